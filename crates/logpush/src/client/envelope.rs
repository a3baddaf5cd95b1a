//! Cloudflare's envelope: `{"success": …, "errors": [{"code", "message"}], "result": …}`.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::advice::advice;
use crate::error::{ApiError, LogpushError};
use crate::secret::mask;

/// Errors of an envelope that are told.
const ERRORS_MAX: usize = 3;
/// Characters of a message that are told.
const MESSAGE_CHARS_MAX: usize = 500;

/// The refusal that an answer holds, if it is one.
pub(super) fn refusal(action: &str, status: u16, value: &Value, attempts: u32) -> Option<ApiError> {
    let failed = value.get("success").and_then(Value::as_bool) == Some(false);
    if !failed && (200..300).contains(&status) {
        return None;
    }
    let errors = value.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let code = errors.first().and_then(code_of);
    let messages: Vec<String> = errors.iter().take(ERRORS_MAX).flat_map(messages_of).collect();
    let message = messages.join("; ");
    let advice = advice(status, code, &message);
    Some(ApiError { action: action.to_owned(), status, code, message, advice, attempts })
}

fn code_of(error: &Value) -> Option<u64> {
    let code = error.get("code")?;
    code.as_u64().or_else(|| code.as_str()?.parse().ok())
}

/// The message of an error and of those that caused it.
fn messages_of(error: &Value) -> Vec<String> {
    let chain = error.get("error_chain").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let all = std::iter::once(error).chain(chain.iter().take(ERRORS_MAX));
    all.filter_map(|error| error.get("message").or(error.as_str().map(|_| error))?.as_str()).map(printable).collect()
}

/// Words of a stranger: without secrets, control characters or a full stop, and of bounded length.
pub(super) fn printable(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MESSAGE_CHARS_MAX).collect();
    mask(plain.trim().trim_end_matches('.'))
}

/// How many pages a list has.
pub(super) fn pages(value: &Value) -> u64 {
    value.pointer("/result_info/total_pages").and_then(Value::as_u64).unwrap_or(1)
}

/// The `result`, as what it should be.
pub(super) fn result<T: DeserializeOwned>(action: &str, mut value: Value) -> Result<T, LogpushError> {
    let result = value.get_mut("result").map(Value::take).unwrap_or_default();
    serde_json::from_value(result)
        .map_err(|error| LogpushError::Unexpected { action: action.to_owned(), cause: printable(&error.to_string()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refusal_is_one_sentence() {
        let value = json!({"success": false, "result": null, "messages": [],
            "errors": [{"code": 1004, "message": "reading job for product 'gateway_dns' is not allowed."}]});
        let error = refusal("read the job", 403, &value, 1).unwrap();
        let text = error.to_string();
        assert!(text.starts_with(
            "Cloudflare refused to read the job: reading job for product 'gateway_dns' is not allowed (code 1004); the token lacks"
        ));
        assert!(!text.ends_with('.'));
    }

    #[test]
    fn strange_refusals_are_still_sentences() {
        for (status, value, expected) in [
            (500, json!({}), "Cloudflare refused to x: status 500; Cloudflare has a problem"),
            (400, json!({"errors": "no"}), "Cloudflare refused to x: status 400"),
            (400, json!({"errors": [{"code": "77", "message": "a\u{1b}b"}]}), "Cloudflare refused to x: a b (code 77)"),
            (200, json!({"success": false, "errors": ["plain"]}), "Cloudflare refused to x: plain (status 200)"),
            (
                400,
                json!({"errors": [{"code": 1, "message": "m", "error_chain": [{"code": 2, "message": "deep"}]}]}),
                "Cloudflare refused to x: m; deep (code 1)",
            ),
        ] {
            let text = refusal("x", status, &value, 1).unwrap().to_string();
            assert!(text.starts_with(expected), "{text}");
        }
        assert_eq!(refusal("x", 200, &json!({"success": true}), 1), None);
        assert_eq!(refusal("x", 200, &json!({"result": {}}), 1), None);
    }

    #[test]
    fn a_key_that_cloudflare_repeats_is_not_told() {
        let value = json!({"success": false, "errors": [{"code": 1002,
            "message": "error validating destination https://t/plain/batch?header_X-Tidegate-Intake-Key=tgi_secret"}]});
        assert!(!refusal("x", 400, &value, 1).unwrap().to_string().contains("secret"));
    }
}
