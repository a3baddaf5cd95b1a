//! The fields that the judge reads of every event, found once.

use tidegate_event::{FieldId, Registry};

/// Fields that the judge reads of every event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventFields {
    pub(crate) timestamp: Option<FieldId>,
    pub(crate) query_type: Option<FieldId>,
    pub(crate) response_code: Option<FieldId>,
    pub(crate) resolved_ip: Option<FieldId>,
    pub(crate) source_ip: Option<FieldId>,
    pub(crate) destination_ip: Option<FieldId>,
    pub(crate) email: Option<FieldId>,
    pub(crate) device: Option<FieldId>,
    pub(crate) decision: Option<FieldId>,
    pub(crate) tags: Option<FieldId>,
}

impl EventFields {
    pub(super) fn new(registry: &Registry) -> Self {
        Self {
            timestamp: registry.id("@timestamp"),
            query_type: registry.id("dns.question.type"),
            response_code: registry.id("dns.response_code"),
            resolved_ip: registry.id("dns.resolved_ip"),
            source_ip: registry.id("source.ip"),
            destination_ip: registry.id("destination.ip"),
            email: registry.id("user.email"),
            device: registry.id("device.id"),
            decision: registry.id("cloudflare.ResolverDecision"),
            tags: registry.id("tags"),
        }
    }
}
