//! The address ranges that Cloudflare publishes at <https://www.cloudflare.com/ips-v4> and
//! <https://www.cloudflare.com/ips-v6>, and by its API at `/client/v4/ips`: 15 of IPv4 and 7 of IPv6, as they stood in
//! February 2026. They have not changed since 2021; a running server asks for them again.

/// When the list was looked at last.
pub const CLOUDFLARE_PUBLISHED: &str = "2026-02";

/// The ranges.
pub const CLOUDFLARE: [&str; 22] = [
    "103.21.244.0/22",
    "103.22.200.0/22",
    "103.31.4.0/22",
    "104.16.0.0/13",
    "104.24.0.0/14",
    "108.162.192.0/18",
    "131.0.72.0/22",
    "141.101.64.0/18",
    "162.158.0.0/15",
    "172.64.0.0/13",
    "173.245.48.0/20",
    "188.114.96.0/20",
    "190.93.240.0/20",
    "197.234.240.0/22",
    "198.41.128.0/17",
    "2400:cb00::/32",
    "2405:8100::/32",
    "2405:b500::/32",
    "2606:4700::/32",
    "2803:f800::/32",
    "2a06:98c0::/29",
    "2c0f:f248::/32",
];
