//! Rules and intelligence that exist in memory alone.

use std::sync::Mutex;

use serde_json::{Map, Value, json};
use tidegate_event::Timestamp;
use tidegate_state::{FeedKind, NewIndicator, TargetId, TargetKind};
use uuid::Uuid;

use crate::detection::{
    Changed, Detection, DetectionError, Effort, FeedPreset, Grade, IndicatorText, IndicatorsRead, PassedOver, Refused,
    RuleCheck, RuleDetail, RuleInfo, RuleKind, RuleOrigin, RulePreview, RuleProblem, RuleRef, Severity, TargetTest,
    Tuning, Unreadable,
};

/// A rule that comes with the program.
pub(crate) const BUILTIN: Uuid = Uuid::from_u128(0xb);
/// A rule that cannot be switched off.
pub(crate) const ALWAYS: Uuid = Uuid::from_u128(0xa);

/// What it knows, and what it was told.
#[derive(Debug, Default)]
pub(crate) struct Fake {
    users: Mutex<Vec<(Uuid, String)>>,
    pub(crate) told: Mutex<Vec<Changed>>,
}

impl Fake {
    /// What it was told since it was last asked.
    pub(crate) fn take_told(&self) -> Vec<Changed> {
        std::mem::take(&mut self.told.lock().expect("told"))
    }

    fn own(&self, id: Uuid) -> Option<String> {
        self.users.lock().expect("users").iter().find(|(own, _)| *own == id).map(|(_, yaml)| yaml.clone())
    }
}

fn info(id: Uuid, name: &str, origin: RuleOrigin) -> RuleInfo {
    RuleInfo {
        rule: RuleRef {
            id,
            name: name.to_owned(),
            severity: Severity::High,
            effort: Effort::Elementary,
            attack: vec!["T1071.004".to_owned()],
        },
        description: format!("what {name} finds"),
        kind: RuleKind::Sigma,
        origin,
        enabled: true,
        default_enabled: true,
        always: id == ALWAYS,
        tags: vec!["attack.command-and-control".to_owned(), "attack.t1071.004".to_owned()],
        problem: None,
    }
}

/// A rule is good when it has a title, and its id is hashed from that.
fn title(yaml: &str) -> Result<&str, DetectionError> {
    let title = yaml.lines().find_map(|line| line.strip_prefix("title: "));
    title.ok_or_else(|| DetectionError::Invalid("rule lacks `title`".to_owned()))
}

impl Detection for Fake {
    fn rules(&self) -> Vec<RuleInfo> {
        let users = self.users.lock().expect("users");
        let users = users.iter().map(|(id, yaml)| info(*id, title(yaml).expect("a title"), RuleOrigin::User));
        [info(BUILTIN, "Tunnel", RuleOrigin::Builtin), info(ALWAYS, "EICAR", RuleOrigin::Builtin)]
            .into_iter()
            .chain(users)
            .collect()
    }

    fn rule(&self, id: Uuid) -> Option<RuleDetail> {
        let info = self.rules().into_iter().find(|info| info.rule.id == id)?;
        Some(RuleDetail {
            yaml: self.own(id).unwrap_or_else(|| format!("title: {}\n", info.rule.name)),
            info,
            references: vec!["https://docs.example/tunnel".to_owned()],
            false_positives: vec!["backup".to_owned()],
            cases: None,
            author: None,
            date: None,
            modified: None,
            settings: vec![Tuning {
                key: "length".to_owned(),
                value: json!(95),
                default: json!(95),
                description: "characters".to_owned(),
            }],
            search: "dns.question.name:*.example".to_owned(),
        })
    }

    fn check_rule(&self, yaml: &str) -> RuleCheck {
        let problem = |error: DetectionError| RuleProblem {
            line: 1,
            column: 1,
            severity: Grade::Error,
            message: error.to_string(),
        };
        let problems: Vec<_> = title(yaml).err().map(problem).into_iter().collect();
        RuleCheck { valid: problems.is_empty(), problems, rule: None, fields: vec!["dns.question.name".to_owned()] }
    }

    fn preview_rule(&self, yaml: &str, from: Timestamp, to: Timestamp) -> Result<RulePreview, DetectionError> {
        title(yaml)?;
        let days = u64::try_from((to.as_micros() - from.as_micros()) / 86_400_000_000).expect("a stretch");
        Ok(RulePreview { scanned: days, ..RulePreview::default() })
    }

    fn save_rule(&self, id: Option<Uuid>, yaml: &str) -> Result<Uuid, DetectionError> {
        let new = Uuid::from_u128(u128::from(blake3::hash(title(yaml)?.as_bytes()).as_bytes()[0]) + 0x1000);
        let mut users = self.users.lock().expect("users");
        match id {
            Some(id) => {
                let own = users.iter_mut().find(|(own, _)| *own == id);
                own.ok_or_else(|| DetectionError::NotFound(format!("no rule `{id}`")))?.1 = yaml.to_owned();
                Ok(id)
            }
            None if users.iter().any(|(own, _)| *own == new) => {
                Err(DetectionError::Conflict(format!("there is a rule `{new}`")))
            }
            None => {
                users.push((new, yaml.to_owned()));
                Ok(new)
            }
        }
    }

    fn delete_rule(&self, id: Uuid) -> Result<(), DetectionError> {
        self.users.lock().expect("users").retain(|(own, _)| *own != id);
        Ok(())
    }

    fn check_settings(&self, _: Uuid, settings: &Map<String, Value>) -> Result<(), DetectionError> {
        match settings.keys().find(|name| !["length", "severity", "effort"].contains(&name.as_str())) {
            Some(name) => Err(DetectionError::Invalid(format!("no setting `{name}`"))),
            None => Ok(()),
        }
    }

    fn navigator(&self) -> Value {
        json!({"domain": "enterprise-attack"})
    }

    fn changed(&self, what: Changed) -> Result<(), DetectionError> {
        self.told.lock().expect("told").push(what);
        Ok(())
    }

    fn read_indicators(&self, text: &IndicatorText) -> Result<IndicatorsRead, DetectionError> {
        let mut read = IndicatorsRead::default();
        for (line, value) in (1..).zip(text.text.lines()) {
            let value = value.to_owned();
            match value.as_str() {
                "popular.example" => read.benign.push(Refused { value, reason: "on the benign list".to_owned() }),
                "AS64500" => read.passed_over.push(PassedOver {
                    kind: "AS number".to_owned(),
                    count: 1,
                    reason: "not looked up".to_owned(),
                }),
                _ if value.contains(' ') => {
                    read.rejected.push(Unreadable { line: Some(line), value, reason: "is no name".to_owned() });
                }
                _ => read.indicators.push(NewIndicator {
                    value,
                    kind: "name",
                    scope: "domain",
                    tags: text.tags.clone(),
                    confidence: text.confidence,
                    valid_until: text.valid_until,
                    ..NewIndicator::default()
                }),
            }
        }
        Ok(read)
    }

    fn match_indicators(&self, value: &str) -> Result<Vec<i64>, DetectionError> {
        match value {
            "evil.example" => Ok(vec![1, 999]),
            "?" => Err(DetectionError::Invalid("`?` is neither a name nor an address".to_owned())),
            _ => Ok(Vec::new()),
        }
    }

    fn feed_presets(&self) -> Vec<FeedPreset> {
        vec![FeedPreset {
            preset: "known".to_owned(),
            name: "Known feed".to_owned(),
            description: "names".to_owned(),
            license: "free".to_owned(),
            url: "https://feed.example/list.txt".to_owned(),
            kind: FeedKind::Http,
            format: "text".to_owned(),
            collection: "Known".to_owned(),
            every_seconds: 3_600,
            settings: json!({"tags": ["malware"]}),
            secret_parameter: Some("auth-key".to_owned()),
        }]
    }

    fn check_target(
        &self,
        kind: TargetKind,
        config: &Value,
        secret: Option<&str>,
        _template: Option<&str>,
    ) -> Result<(), DetectionError> {
        let url = config["url"].as_str().unwrap_or("https://");
        match kind {
            TargetKind::Webhook if !url.starts_with("https://") => {
                Err(DetectionError::Invalid(format!("`{url}` is no address")))
            }
            TargetKind::Slack if secret.is_none_or(|address| !address.starts_with("https://")) => {
                Err(DetectionError::Invalid("no address".to_owned()))
            }
            _ => Ok(()),
        }
    }

    fn test_target(&self, _: TargetId) -> Result<TargetTest, DetectionError> {
        Ok(TargetTest { sent: false, error: Some("connection refused".to_owned()) })
    }
}
