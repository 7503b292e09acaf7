//! An address of a recipient's program, and whether it takes what it is sent.

use hexalpes_kernel::Timestamp;

use super::{RecipientId, WebhookId};

/// So many failures in a row, and it is disabled.
const FAILURES_MAX: u32 = 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Active,
    /// What comes meanwhile is held for it.
    Disabled {
        reason: String,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    pub(crate) id: WebhookId,
    pub(crate) recipient: RecipientId,
    pub(crate) url: String,
    /// What signs, sealed for this webhook.
    pub(crate) secret_sealed: String,
    /// Bare names of the events that it wants; `None`: all.
    pub(crate) kinds: Option<Vec<String>>,
    pub(crate) standing: Standing,
    pub(crate) failures: u32,
    pub(crate) revision: u32,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl Webhook {
    pub(crate) fn wants(&self, bare_kind: &str) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|kind| kind == bare_kind))
    }

    pub(crate) fn is_active(&self) -> bool {
        self.standing == Standing::Active
    }

    /// It took what it was sent; whether that changes anything.
    pub(crate) fn succeeded(&mut self) -> bool {
        std::mem::take(&mut self.failures) > 0
    }

    /// It did not; whether that was once too often.
    pub(crate) fn failed(&mut self, trouble: &str, is_gone: bool, at: Timestamp) -> bool {
        self.failures += 1;
        if !self.is_active() || (self.failures < FAILURES_MAX && !is_gone) {
            return false;
        }
        let failures = self.failures;
        self.disable(format!("{failures} failures in a row; the last: {trouble}"), at)
    }

    /// Whether it was active.
    pub(crate) fn disable(&mut self, reason: String, at: Timestamp) -> bool {
        let was_active = self.is_active();
        if was_active {
            self.stand(Standing::Disabled { reason }, at);
        }
        was_active
    }

    /// Whether it was disabled.
    pub(crate) fn enable(&mut self, at: Timestamp) -> bool {
        let was_disabled = !self.is_active();
        if was_disabled {
            self.failures = 0;
            self.stand(Standing::Active, at);
        }
        was_disabled
    }

    fn stand(&mut self, standing: Standing, at: Timestamp) {
        self.standing = standing;
        self.revision += 1;
        self.updated_at = at;
    }
}
