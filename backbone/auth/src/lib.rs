//! Who a client of the broker is: tokens, passwords, keys and roles.
//!
//! [`Authentication`] takes what a client says of itself and answers with its [`Identity`], or why not. Tokens are JSON
//! Web Tokens (RFC 7519) as Pulsar has them: the subject is the role, and `exp` and `nbf` count. [`Passwords`] are
//! those of a file of `htpasswd`. Certificates are looked at by whoever has the socket.
//!
//! [`Authorization`] knows the roles that may do everything, and those that speak for others.
//!
//! Not here: what is granted to whom, and sockets. Time is an argument.

mod authentication;
mod authorization;
mod key;
mod password;
mod source;
mod spki;
mod token;

pub use authentication::{Authentication, METHODS, Refused};
pub use authorization::{Authorization, Caller, PrincipalError};
pub use key::{KeyError, SecretKey, TokenKey};
pub use password::{Passwords, PasswordsError};
pub use source::{SourceError, key_bytes};
pub use token::{Claims, Identity, TokenError, decode_unverified};
