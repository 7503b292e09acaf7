//! What others ask for, read into commands. Each body's schema for the document stands beside its parser.

#![allow(dead_code, reason = "the fields of a schema are read as a schema alone")]

mod terms;
mod verbs;

pub(crate) use terms::kept_terms;
pub(crate) use verbs::{
    ActivateBody, ActivateRequest, ChangeBody, ChangeRequest, ContractBody, ContractRequest, EmployBody,
    EmployRequest, NegotiateBody, NegotiateRequest, Negotiation, NewTemplateBody, NewTemplateRequest,
    RenewBody, RenewRequest, SignBody, SignRequest, TokenBody, TokenRequest,
};

#[cfg(test)]
mod tests {
    use hexalpes_http::openapi::differences;

    use super::terms::{TermsBody, TermsChangesBody, TermsRequest};
    use super::*;
    use crate::domain::TermsChanges;

    #[test]
    fn bodies_and_their_schemas_say_the_same() {
        let told = [
            differences::<TermsRequest, TermsBody>(),
            differences::<TermsChanges, TermsChangesBody>(),
            differences::<NewTemplateRequest, NewTemplateBody>(),
            differences::<ContractRequest, ContractBody>(),
            differences::<ChangeRequest, ChangeBody>(),
            differences::<NegotiateRequest, NegotiateBody>(),
            differences::<SignRequest, SignBody>(),
            differences::<EmployRequest, EmployBody>(),
            differences::<TokenRequest, TokenBody>(),
            differences::<ActivateRequest, ActivateBody>(),
            differences::<RenewRequest, RenewBody>(),
        ];
        assert_eq!(told.concat(), Vec::<String>::new());
    }
}
