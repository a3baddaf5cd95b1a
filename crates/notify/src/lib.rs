//! Notices go in, with the configuration of where to; HTTP requests, mails, syslog messages and lines in files go out. It
//! will never know a database, rules or who may configure what: a caller keeps notices, tries again and shows failures.
//!
//! [`Channel::new`] turns what somebody configured into something that can be used, or says what is wrong with it;
//! [`Notifier::deliver`] tells one [`Message`] to one channel. Names in messages are chosen by strangers: they are cleaned
//! of control and direction characters, escaped for the language they go into and defanged in texts for people.

mod channel;
mod email;
mod error;
mod file;
mod http;
mod message;
mod notifier;
mod policy;
mod slack;
mod syslog;
mod template;
mod text;
mod webhook;

pub use channel::Channel;
pub use error::{ConfigError, Failure};
pub use message::Message;
pub use notifier::Notifier;
pub use policy::Policy;
pub use template::{Template, TemplateError};
pub use webhook::{SIGNATURE_HEADER, TIMESTAMP_HEADER, signature};
