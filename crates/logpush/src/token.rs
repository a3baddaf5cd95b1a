//! What a token is and may do.

use jiff::Timestamp;
use reqwest::Method;
use serde_json::Value;

use crate::client::Client;
use crate::dataset::Dataset;
use crate::error::LogpushError;
use crate::scope::Scope;

/// Policies and permission groups of a token that are looked at.
const GROUPS_MAX: usize = 1_000;

/// Whether a token works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenStatus {
    /// It works.
    Active,
    /// It was switched off.
    Disabled,
    /// Its time is over.
    Expired,
    /// Cloudflare says something that this version does not know.
    Other(String),
}

/// What Cloudflare says about a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenState {
    /// Its identifier, which is no secret.
    pub id: String,
    /// Whether it works.
    pub status: TokenStatus,
    /// When it ends.
    pub expires: Option<Timestamp>,
}

/// Whether a token has a right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Its name in the dashboard.
    pub name: &'static str,
    /// `None` when it cannot be told.
    pub held: Option<bool>,
    /// What to do when it is missing, or how it was found out.
    pub sentence: String,
}

impl Client {
    /// Asks whether the token works. Tokens of users and of accounts are asked about in different places.
    ///
    /// # Errors
    /// As every call: see [`LogpushError`].
    pub async fn verify_token(&self, scope: Option<&Scope>) -> Result<TokenState, LogpushError> {
        const ACTION: &str = "verify the token";
        let of_user = self.value(ACTION, Method::GET, "user/tokens/verify", None).await;
        let account = scope.filter(|scope| scope.level() == crate::dataset::Level::Account);
        let result = match (of_user, account) {
            (Err(error), Some(scope)) if matches!(error.status(), Some(400 | 401 | 403)) => {
                let path = format!("{}/tokens/verify", scope.path());
                // The first refusal says more than that of a second place which the token may not see.
                self.value(ACTION, Method::GET, &path, None).await.map_err(|_| error)?
            }
            (result, _) => result?,
        };
        let text = |name: &str| result.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let status = match text("status").as_str() {
            "active" => TokenStatus::Active,
            "disabled" => TokenStatus::Disabled,
            "expired" => TokenStatus::Expired,
            other => TokenStatus::Other(other.chars().filter(|c| !c.is_control()).take(40).collect()),
        };
        Ok(TokenState { id: text("id"), status, expires: text("expires_on").parse().ok() })
    }

    /// The names of the permission groups of a token: `None` when it may not read itself, as most may not.
    ///
    /// # Errors
    /// As every call, refusals apart: see [`LogpushError`].
    pub async fn token_groups(&self, token_id: &str) -> Result<Option<Vec<String>>, LogpushError> {
        if token_id.is_empty() || !token_id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(None);
        }
        let asked = self.value("read the token", Method::GET, &format!("user/tokens/{token_id}"), None).await;
        let token = match asked {
            Ok(token) => token,
            Err(LogpushError::Refused(error)) if error.status < 500 && error.status != 429 => return Ok(None),
            Err(error) => return Err(error),
        };
        let policies = token.get("policies").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let allowing = policies.iter().filter(|policy| policy.get("effect").and_then(Value::as_str) != Some("deny"));
        let groups = allowing.filter_map(|policy| policy.get("permission_groups")?.as_array()).flatten();
        let names = groups.filter_map(|group| group.get("name")?.as_str()).map(str::to_owned);
        Ok(Some(names.take(GROUPS_MAX).collect()))
    }

    /// Whether the token has what a job of the dataset needs: read from the token where it may be read, else found out by
    /// asking for what needs it.
    ///
    /// # Errors
    /// As every call, refusals apart: see [`LogpushError`].
    pub async fn permissions(
        &self,
        scope: &Scope,
        dataset: &Dataset,
        token: &TokenState,
    ) -> Result<Vec<Permission>, LogpushError> {
        if let Some(groups) = self.token_groups(&token.id).await? {
            return Ok(of_groups(&groups, dataset));
        }
        let jobs = refused(self.jobs(scope).await)?;
        let of_dataset = match jobs {
            Some(_) => None,
            None => refused(self.jobs_of(scope, dataset.name).await)?,
        };
        let mut permissions = vec![found(LOGS, jobs.is_none(), jobs.as_deref())];
        if dataset.personal {
            permissions.push(match jobs {
                Some(_) => Permission {
                    name: PII,
                    held: None,
                    sentence: format!("whether `{PII}` is there shows once `{LOGS}` is"),
                },
                None => found(PII, of_dataset.is_none(), of_dataset.as_deref()),
            });
        }
        Ok(permissions)
    }
}

const LOGS: &str = "Logs: Edit";
const PII: &str = "Zero Trust: PII Read";

/// `Some` with Cloudflare's words when the call was refused for want of a right.
fn refused<T>(asked: Result<T, LogpushError>) -> Result<Option<String>, LogpushError> {
    match asked {
        Ok(_) => Ok(None),
        Err(LogpushError::Refused(error))
            if matches!(error.status, 401 | 403) || matches!(error.code, Some(1004 | 9109 | 10000)) =>
        {
            Ok(Some(error.message.clone()))
        }
        Err(error) => Err(error),
    }
}

fn found(name: &'static str, held: bool, words: Option<&str>) -> Permission {
    let sentence = match words {
        _ if held => format!("the token can do what needs `{name}`"),
        Some(words) => format!("the token lacks `{name}` here (Cloudflare says: {words}): add it to the token"),
        None => format!("the token lacks `{name}` here: add it to the token"),
    };
    Permission { name, held: Some(held), sentence }
}

/// Groups are called `Logs Write` and `Zero Trust: PII Read` by the API.
fn of_groups(groups: &[String], dataset: &Dataset) -> Vec<Permission> {
    let plain =
        |text: &str| text.to_lowercase().replace([':', '-'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let has = |wanted: &[&str]| groups.iter().any(|group| wanted.contains(&plain(group).as_str()));
    let mut permissions =
        vec![found(LOGS, has(&["logs write", "logs edit", "account logs write", "zone logs write"]), None)];
    if dataset.personal {
        permissions.push(found(PII, has(&["zero trust pii read", "cloudflare zero trust pii read"]), None));
    }
    permissions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::dataset;

    #[test]
    fn groups_are_known_by_either_name() {
        let groups = ["Logs Write".to_owned(), "Zero Trust: PII Read".to_owned()];
        let gateway = dataset("gateway_dns").unwrap();
        assert!(of_groups(&groups, gateway).iter().all(|permission| permission.held == Some(true)));
        let permissions = of_groups(&groups[..1], gateway);
        assert_eq!(permissions[1].held, Some(false));
        assert!(permissions[1].sentence.contains("`Zero Trust: PII Read`"));
        assert_eq!(of_groups(&groups[..1], dataset("dns_logs").unwrap()).len(), 1);
    }
}
