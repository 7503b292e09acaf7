//! Who the client is, and for how long: asked in CONNECT, and again before its proof ends.

use std::time::Duration;

use hexalpes_auth::{Identity, Refused};
use hexalpes_wire::{
    PROTOCOL_VERSION,
    proto::{
        AuthData, Command, CommandAuthChallenge, CommandAuthResponse, CommandConnect, CommandType,
        ServerError,
    },
};
use tokio::time::Instant;

use super::{Connection, Hangup};

/// A client is asked for a new proof so long before the old one ends, or in the second half of it.
const ASKS_BEFORE: Duration = Duration::from_mins(1);

/// What Pulsar puts where a request id would be.
const NO_REQUEST: u64 = u64::MAX;

/// What is known of a client that proved who it is.
#[derive(Debug)]
pub(super) struct Proof {
    identity: Identity,
    /// None if the proof does not end.
    ends: Option<Instant>,
    /// None if it was asked already, or cannot answer.
    asks: Option<Instant>,
    can_answer: bool,
}

impl Connection {
    /// Fails unless CONNECT proves who the client is, or nobody wants to know. The client is told.
    pub(super) fn prove(&mut self, connect: &CommandConnect) -> Result<(), Hangup> {
        let Some(authentication) = &self.shared.options.authentication else { return Ok(()) };
        let data = connect.auth_data.as_deref().unwrap_or_default();
        let can_answer = connect.feature_flags.is_some_and(|flags| flags.supports_auth_refresh());
        let (method, name) = (connect.auth_method_name.as_deref(), self.outbox.common_name.as_deref());
        let found = authentication.authenticate(method, data, name, self.now());
        self.shared.around.counters.proof(method, &found);
        let identity = found.map_err(|refused| self.refuse(refused))?;
        if let Some(rights) = &self.shared.options.authorization {
            let caller = rights.caller(identity.role.clone(), connect.original_principal.as_deref(), false);
            let caller = caller.map_err(|error| self.refuse(error.into()))?;
            // CONNECT comes once.
            let _ = self.outbox.caller.set(caller);
        }
        self.proof = Some(Proof::new(identity, can_answer, self.now()));
        Ok(())
    }

    /// The answer to a challenge. Somebody else cannot take over a connection.
    pub(super) fn prove_again(&mut self, answer: &CommandAuthResponse) -> Result<(), Hangup> {
        let senseless = Hangup::Senseless(CommandType::AuthResponse);
        let (Some(authentication), Some(before)) = (&self.shared.options.authentication, &self.proof) else {
            return Err(senseless);
        };
        let data = answer.response.as_ref();
        let method = data.and_then(|data| data.auth_method_name.as_deref());
        let secret = data.and_then(|data| data.auth_data.as_deref()).unwrap_or_default();
        let identity =
            authentication.authenticate(method, secret, self.outbox.common_name.as_deref(), self.now());
        self.shared.around.counters.proof(method, &identity);
        let identity = identity.map_err(|refused| self.refuse(refused))?;
        if identity.role != before.identity.role {
            return Err(Hangup::AnotherRole);
        }
        let is_newer = identity.ends.is_none() || identity.ends > before.identity.ends;
        let mut proof = Proof::new(identity, before.can_answer, self.now());
        if !is_newer {
            // It has no other, and would answer again with this one.
            proof.asks = None;
        }
        self.proof = Some(proof);
        Ok(())
    }

    /// When the client is to be asked, or its proof ends; none if neither is to come.
    pub(super) fn proof_is_due(&self) -> Option<Instant> {
        let proof = self.proof.as_ref()?;
        proof.asks.or(proof.ends)
    }

    /// Does what is due: asks, and fails once the proof has ended.
    pub(super) fn look_at_proof(&mut self) -> Result<(), Hangup> {
        let Some(proof) = &mut self.proof else { return Ok(()) };
        let now = Instant::now();
        if proof.ends.is_some_and(|ends| ends <= now) {
            return Err(Hangup::Expired);
        }
        if proof.asks.is_some_and(|asks| asks <= now) {
            proof.asks = None;
            self.outbox.push(&Command::AuthChallenge(CommandAuthChallenge {
                server_version: Some(super::commands::SERVER_VERSION.to_owned()),
                // What Java's client takes for the request to show its credentials anew.
                challenge: Some(AuthData {
                    auth_method_name: Some("token".to_owned()),
                    auth_data: Some("PulsarAuthRefresh".into()),
                }),
                protocol_version: Some(PROTOCOL_VERSION),
            }));
        }
        Ok(())
    }

    fn refuse(&self, refused: Refused) -> Hangup {
        let kind = match &refused {
            Refused::Principal(_) => ServerError::AuthorizationError,
            _ => ServerError::AuthenticationError,
        };
        self.outbox.push(&Command::error(NO_REQUEST, kind, refused.to_string()));
        Hangup::Unproven(refused)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.shared.options.clock.now_ms())
    }
}

impl Proof {
    fn new(identity: Identity, can_answer: bool, now: Duration) -> Self {
        let lasts = identity.ends.map(|ends| ends.saturating_sub(now));
        let after = |wait: Duration| Instant::now().checked_add(wait);
        let asks = lasts.filter(|_| can_answer).map(|lasts| lasts.saturating_sub(ASKS_BEFORE.min(lasts / 2)));
        Self { identity, ends: lasts.and_then(after), asks: asks.and_then(after), can_answer }
    }
}
