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
/// What stands in for the key until the text is quoted: characters that neither JSON nor an address changes.
const PLACE_OF_KEY: &str = "__TIDEGATE_INTAKE_KEY_HERE__";

/// A `curl` command for a call.
#[must_use]
pub fn curl(method: &str, url: &str, body: Option<&Value>) -> String {
    let mut command =
        format!("curl -sS -X {method} {} \\\n  -H \"Authorization: Bearer ${TOKEN_VARIABLE}\"", quote(url));
    if let Some(body) = body {
        let text = quote(&body.to_string()).replace(PLACE_OF_KEY, &format!("'\"${INTAKE_KEY_VARIABLE}\"'"));
        command.push_str(&format!(" \\\n  -H 'Content-Type: application/json' \\\n  --data {text}"));
    }
    command
}

impl JobRequest {
    /// The command that makes this job.
    #[must_use]
    pub fn curl(&self, api: &ApiUrl, scope: &Scope) -> String {
        let body = self.body_to(&self.destination.with_key_as(PLACE_OF_KEY));
        curl("POST", &api.join(&format!("{}/logpush/jobs", scope.path())), Some(&body))
    }
}

impl JobUpdate {
    /// The command that changes this job.
    #[must_use]
    pub fn curl(&self, api: &ApiUrl, scope: &Scope, id: JobId) -> String {
        let destination = self.destination.as_ref().map(|to| to.with_key_as(PLACE_OF_KEY));
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

    #[test]
    fn a_shell_reads_the_command_as_the_call() {
        let key = IntakeKey::new("tgi_0123456789ABCDEFGHwxyz").unwrap();
        let to = Destination::of_intake("https://t.example", &key, Header::Tidegate, &[]).unwrap();
        let mut request = JobRequest::of_dataset(dataset("dns_logs").unwrap(), to, []);
        request.name = Some("it's".to_owned());
        let command = request.curl(&ApiUrl::default(), &Scope::zone("z1").unwrap());
        assert!(!command.contains("wxyz"), "{command}");
        assert!(command.contains("'https://api.cloudflare.com/client/v4/zones/z1/logpush/jobs'"), "{command}");
        // Let a shell take it apart, with `curl` standing for something that prints its arguments.
        let script = format!("curl() {{ printf '%s\\n' \"$@\"; }}\n{command}");
        let out = std::process::Command::new("sh")
            .args(["-c", &script])
            .env(TOKEN_VARIABLE, "cf_secret")
            .env(INTAKE_KEY_VARIABLE, key.reveal())
            .output()
            .unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        assert!(text.contains("Authorization: Bearer cf_secret\n"), "{text}");
        let body = text.lines().find(|line| line.starts_with('{')).unwrap();
        assert_eq!(serde_json::from_str::<Value>(body).unwrap(), request.body());
    }
}
