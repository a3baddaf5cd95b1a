//! Names and tactics of the ATT&CK techniques that DNS logs can show, as <https://attack.mitre.org> (v17) has them.

/// A technique.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Technique {
    id: &'static str,
    pub(super) name: &'static str,
    pub(super) tactics: &'static [&'static str],
}

/// The tactics, in the order of an attack.
pub(super) const TACTICS: [&str; 14] = [
    "reconnaissance",
    RESOURCES,
    ACCESS,
    EXECUTION,
    "persistence",
    "privilege-escalation",
    EVASION,
    "credential-access",
    "discovery",
    "lateral-movement",
    "collection",
    C2,
    EXFILTRATION,
    IMPACT,
];

const RESOURCES: &str = "resource-development";
const ACCESS: &str = "initial-access";
const EXECUTION: &str = "execution";
const EVASION: &str = "defense-evasion";
const C2: &str = "command-and-control";
const EXFILTRATION: &str = "exfiltration";
const IMPACT: &str = "impact";

/// The technique with this id.
pub(super) fn technique(id: &str) -> Option<&'static Technique> {
    TECHNIQUES.iter().find(|technique| technique.id == id)
}

const fn of(id: &'static str, name: &'static str, tactics: &'static [&'static str]) -> Technique {
    Technique { id, name, tactics }
}

const TECHNIQUES: [Technique; 64] = [
    of("T1008", "Fallback Channels", &[C2]),
    of("T1020", "Automated Exfiltration", &[EXFILTRATION]),
    of("T1029", "Scheduled Transfer", &[EXFILTRATION]),
    of("T1030", "Data Transfer Size Limits", &[EXFILTRATION]),
    of("T1036", "Masquerading", &[EVASION]),
    of("T1041", "Exfiltration Over C2 Channel", &[EXFILTRATION]),
    of("T1046", "Network Service Discovery", &["discovery"]),
    of("T1048", "Exfiltration Over Alternative Protocol", &[EXFILTRATION]),
    of("T1048.001", "Exfiltration Over Symmetric Encrypted Non-C2 Protocol", &[EXFILTRATION]),
    of("T1048.002", "Exfiltration Over Asymmetric Encrypted Non-C2 Protocol", &[EXFILTRATION]),
    of("T1048.003", "Exfiltration Over Unencrypted Non-C2 Protocol", &[EXFILTRATION]),
    of("T1056", "Input Capture", &["credential-access", "collection"]),
    of("T1059", "Command and Scripting Interpreter", &[EXECUTION]),
    of("T1071", "Application Layer Protocol", &[C2]),
    of("T1071.001", "Web Protocols", &[C2]),
    of("T1071.002", "File Transfer Protocols", &[C2]),
    of("T1071.003", "Mail Protocols", &[C2]),
    of("T1071.004", "DNS", &[C2]),
    of("T1090", "Proxy", &[C2]),
    of("T1090.001", "Internal Proxy", &[C2]),
    of("T1090.002", "External Proxy", &[C2]),
    of("T1090.003", "Multi-hop Proxy", &[C2]),
    of("T1090.004", "Domain Fronting", &[C2]),
    of("T1092", "Communication Through Removable Media", &[C2]),
    of("T1095", "Non-Application Layer Protocol", &[C2]),
    of("T1102", "Web Service", &[C2]),
    of("T1102.001", "Dead Drop Resolver", &[C2]),
    of("T1102.002", "Bidirectional Communication", &[C2]),
    of("T1102.003", "One-Way Communication", &[C2]),
    of("T1104", "Multi-Stage Channels", &[C2]),
    of("T1105", "Ingress Tool Transfer", &[C2]),
    of("T1110", "Brute Force", &["credential-access"]),
    of("T1111", "Multi-Factor Authentication Interception", &["credential-access"]),
    of("T1132", "Data Encoding", &[C2]),
    of("T1132.001", "Standard Encoding", &[C2]),
    of("T1132.002", "Non-Standard Encoding", &[C2]),
    of("T1133", "External Remote Services", &["persistence", ACCESS]),
    of("T1189", "Drive-by Compromise", &[ACCESS]),
    of("T1190", "Exploit Public-Facing Application", &[ACCESS]),
    of("T1204", "User Execution", &[EXECUTION]),
    of("T1204.001", "Malicious Link", &[EXECUTION]),
    of("T1204.002", "Malicious File", &[EXECUTION]),
    of("T1219", "Remote Access Tools", &[C2]),
    of("T1219.002", "Remote Desktop Software", &[C2]),
    of("T1496", "Resource Hijacking", &[IMPACT]),
    of("T1496.001", "Compute Hijacking", &[IMPACT]),
    of("T1537", "Transfer Data to Cloud Account", &[EXFILTRATION]),
    of("T1557", "Adversary-in-the-Middle", &["credential-access", "collection"]),
    of("T1566", "Phishing", &[ACCESS]),
    of("T1566.002", "Spearphishing Link", &[ACCESS]),
    of("T1567", "Exfiltration Over Web Service", &[EXFILTRATION]),
    of("T1567.002", "Exfiltration to Cloud Storage", &[EXFILTRATION]),
    of("T1567.003", "Exfiltration to Text Storage Sites", &[EXFILTRATION]),
    of("T1568", "Dynamic Resolution", &[C2]),
    of("T1568.001", "Fast Flux DNS", &[C2]),
    of("T1568.002", "Domain Generation Algorithms", &[C2]),
    of("T1568.003", "DNS Calculation", &[C2]),
    of("T1571", "Non-Standard Port", &[C2]),
    of("T1572", "Protocol Tunneling", &[C2]),
    of("T1573", "Encrypted Channel", &[C2]),
    of("T1583.001", "Domains", &[RESOURCES]),
    of("T1584.001", "Domains", &[RESOURCES]),
    of("T1595", "Active Scanning", &["reconnaissance"]),
    of("T1598.003", "Spearphishing Link", &["reconnaissance"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_names_tactics_that_exist() {
        assert!(TECHNIQUES.is_sorted_by(|a, b| a.id < b.id));
        for technique in &TECHNIQUES {
            assert!(!technique.tactics.is_empty() && technique.tactics.iter().all(|name| TACTICS.contains(name)));
        }
        assert_eq!(technique("T1071.004").unwrap().name, "DNS");
        assert_eq!(technique("T9999"), None);
    }

    #[test]
    fn every_technique_of_our_rules_has_a_name() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules");
        let (mut seen, mut unnamed) = (0, Vec::new());
        for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if file.extension().is_none_or(|extension| extension != "yml") {
                continue;
            }
            let text = std::fs::read_to_string(&file).unwrap();
            for tag in text.lines().filter_map(|line| line.trim().strip_prefix("- attack.t1")) {
                seen += 1;
                let id = format!("T1{tag}");
                if technique(&id).is_none() {
                    unnamed.push(id);
                }
            }
        }
        assert!(seen > 30, "{seen}");
        assert!(unnamed.is_empty(), "{unnamed:?}");
    }
}
