//! The same call as a shell command, for those who rather send it themselves. Secrets stay in variables of the shell.

use serde_json::Value;

use crate::api_url::ApiUrl;
use crate::job::JobId;
use crate::request::{JobRequest, JobUpdate};
use crate::scope::Scope;

/// The variable that holds the API token.
pub const TOKEN_VARIABLE: &str = "CLOUDFLARE_API_TOKEN";
/// The variable that holds the intake key.
pub const INTAKE_KEY_VARIABLE: &str = "TIDEGATE_INTAKE_KEY";
/// What stands around the name of a variable until the text is quoted: characters that JSON does not change.
const PLACE_START: &str = "<<TIDEGATE:";
const PLACE_END: &str = ">>";
/// Secrets of a command that are put in.
const PLACES_MAX: usize = 64;

/// Where the secret of a parameter goes: `header_CF-Access-Client-Secret` is read from `CF_ACCESS_CLIENT_SECRET`.
fn place(parameter: Option<&str>) -> String {
    let name = parameter.map(|name| name.strip_prefix("header_").unwrap_or(name).replace(['-', '.', '%'], "_"));
    let variable = name.map_or_else(|| INTAKE_KEY_VARIABLE.to_owned(), |name| name.to_uppercase());
    format!("{PLACE_START}{variable}{PLACE_END}")
}

/// Text in single quotes with variables in its places. A name that no variable has was written by somebody else, and stays.
fn with_variables(quoted: &str) -> String {
    let mut out = String::with_capacity(quoted.len());
    let mut rest = quoted;
    for _ in 0..PLACES_MAX {
        let Some((before, after)) = rest.split_once(PLACE_START) else { break };
        out.push_str(before);
        let found = after.split_once(PLACE_END).filter(|(name, _)| is_variable(name));
        rest = match found {
            Some((name, after)) => {
                out.push_str(&format!("'\"${{{name}:?}}\"'"));
                after
            }
            None => {
                out.push_str(PLACE_START);
                after
            }
        };
    }
    out.push_str(rest);
    out
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// A `curl` command for a call. A variable that is not set ends it: a job with an empty key would deliver nothing.
#[must_use]
pub fn curl(method: &str, url: &str, body: Option<&Value>) -> String {
    let mut command =
        format!("curl -sS -X {method} {} \\\n  -H \"Authorization: Bearer ${{{TOKEN_VARIABLE}:?}}\"", quote(url));
    if let Some(body) = body {
        let text = with_variables(&quote(&body.to_string()));
        command.push_str(&format!(" \\\n  -H 'Content-Type: application/json' \\\n  --data {text}"));
    }
    command
}

impl JobRequest {
    /// The command that makes this job.
    #[must_use]
    pub fn curl(&self, api: &ApiUrl, scope: &Scope) -> String {
        let body = self.body_to(&self.destination.with_secrets_as(place));
        curl("POST", &api.join(&format!("{}/logpush/jobs", scope.path())), Some(&body))
    }
}

impl JobUpdate {
    /// The command that changes this job.
    #[must_use]
    pub fn curl(&self, api: &ApiUrl, scope: &Scope, id: JobId) -> String {
        let destination = self.destination.as_ref().map(|to| to.with_secrets_as(place));
        let body = self.body_to(destination.as_deref());
        curl("PUT", &api.join(&format!("{}/logpush/jobs/{id}", scope.path())), Some(&body))
    }
}

/// Text in single quotes, as a POSIX shell takes it.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::dataset;
    use crate::destination::{Destination, Header};
    use crate::secret::IntakeKey;
    use zeroize::Zeroizing;

    #[test]
    fn a_shell_reads_the_command_as_the_call() {
        let key = IntakeKey::new("tgi_0123456789ABCDEFGHwxyz").unwrap();
        let access = [("CF-Access-Client-Secret".to_owned(), Zeroizing::new("s3cret".to_owned()))];
        let to = Destination::of_intake("https://t.example", &key, Header::Tidegate, &access).unwrap();
        let mut request = JobRequest::of_dataset(dataset("dns_logs").unwrap(), to, []);
        request.name = Some("it's".to_owned());
        let command = request.curl(&ApiUrl::default(), &Scope::zone("z1").unwrap());
        assert!(!command.contains("wxyz") && !command.contains("s3cret"), "{command}");
        assert!(command.contains("'https://api.cloudflare.com/client/v4/zones/z1/logpush/jobs'"), "{command}");
        // Let a shell take it apart, with `curl` standing for something that prints its arguments.
        let script = format!("curl() {{ printf '%s\\n' \"$@\"; }}\n{command}");
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &script]).env(TOKEN_VARIABLE, "cf_secret").env(INTAKE_KEY_VARIABLE, key.reveal());
        let halted = shell.env_remove("CF_ACCESS_CLIENT_SECRET").output().unwrap();
        assert!(!halted.status.success() && halted.stdout.is_empty(), "nothing is sent without a secret: {halted:?}");
        let out = shell.env("CF_ACCESS_CLIENT_SECRET", "s3cret").output().unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        assert!(text.contains("Authorization: Bearer cf_secret\n"), "{text}");
        let body = text.lines().find(|line| line.starts_with('{')).unwrap();
        assert_eq!(serde_json::from_str::<Value>(body).unwrap(), request.body());
    }

    #[test]
    fn words_of_somebody_else_do_not_become_shell() {
        for text in ["<<TIDEGATE:$(id)>>", "<<TIDEGATE:A;id>>", "<<TIDEGATE:", "<<TIDEGATE:>>", "a>>b"] {
            assert_eq!(with_variables(&quote(text)), quote(text));
        }
        assert_eq!(with_variables("'x<<TIDEGATE:A_1>>y'"), "'x'\"${A_1:?}\"'y'");
    }
}
