//! The lists that come with Tidegate.

macro_rules! files {
    ($($stem:literal)*) => {
        /// Stem and text of each file of `lists/`.
        pub(super) const FILES: &[(&str, &str)] =
            &[$(($stem, include_str!(concat!("../../../../lists/", $stem, ".txt")))),*];
    };
}

files! {
    "benign"
    "benign-long-name"
    "browser-probe"
    "doh-resolver"
    "dynamic-dns"
    "emerdns"
    "file-transfer"
    "mining-pool"
    "oast"
    "parking"
    "paste"
    "remote-access"
    "rmm"
    "rmm-anydesk"
    "rmm-atera"
    "telegram-bot"
    "tor-bootstrap"
    "tor-gateway"
    "url-shortener"
}
