//! Values of the kernel read from a body's fields, and why they cannot be, in both languages.
//!
//! Each takes a [`Raw`] or a text and gives the value or the [`Invalid`] that the client sees. Amounts are read
//! from the number's text, never by way of a float.

use hexalpes_kernel::{
    Amount, AmountError, Currency, CurrencyError, Email, EmailError, IdError, Money, MoneyError, Rate,
    RateError, Timestamp, TimestampError,
};

use crate::fields::{Invalid, Raw};
use crate::language::Said;
use crate::said;

/// An id, as its type parses it.
pub fn id<T>(raw: &Raw, parse: impl FnOnce(&str) -> Result<T, IdError>) -> Result<T, Invalid> {
    opaque(&raw.string()?, parse)
}

/// As [`id`], of a text.
pub fn opaque<T>(text: &str, parse: impl FnOnce(&str) -> Result<T, IdError>) -> Result<T, Invalid> {
    parse(text).map_err(|error| Invalid::new("invalid_id", error))
}

/// An exact decimal.
pub fn amount(number: &str) -> Result<Amount, Invalid> {
    Amount::parse(number).map_err(|error| match error {
        AmountError::NotANumber => Invalid::new("wrong_type", error),
        AmountError::TooLarge => Invalid::new("too_large", error),
        AmountError::TooPrecise => Invalid::new("too_precise", error),
    })
}

/// An exact decimal above zero.
pub fn positive(raw: &Raw) -> Result<Amount, Invalid> {
    above_zero(amount(raw.number()?)?)
}

/// As [`positive`], of an amount.
pub fn above_zero(amount: Amount) -> Result<Amount, Invalid> {
    if amount.is_negative() || amount.is_zero() {
        let why = said!("must be more than zero", "debe ser mayor que cero");
        return Err(Invalid::new("not_positive", why));
    }
    Ok(amount)
}

/// An amount in a currency; more decimals than the currency has are refused, not rounded.
pub fn money(amount: Amount, currency: Currency) -> Result<Money, Invalid> {
    Money::from_amount(amount, currency).map_err(|error| {
        let code = match error {
            MoneyError::TooPrecise { .. } => "too_precise",
            MoneyError::TooLarge => "too_large",
            MoneyError::OtherCurrency { .. } => "other_currency",
        };
        Invalid::new(code, error)
    })
}

pub fn currency(raw: &Raw) -> Result<Currency, Invalid> {
    currency_code(&raw.string()?)
}

/// As [`currency`], of a text.
pub fn currency_code(code: &str) -> Result<Currency, Invalid> {
    Currency::parse(code).map_err(|error| Invalid::new("unknown_currency", error))
}

/// A percentage.
pub fn percent(raw: &Raw) -> Result<Rate, Invalid> {
    Rate::from_percent(amount(raw.number()?)?).map_err(|error| Invalid::new("invalid_rate", error))
}

pub fn email(raw: &Raw) -> Result<Email, Invalid> {
    Email::parse(&raw.string()?).map_err(|error| Invalid::new("invalid_email", error))
}

/// A time as in RFC 3339.
pub fn timestamp(raw: &Raw) -> Result<Timestamp, Invalid> {
    Timestamp::parse(&raw.string()?).map_err(|error| Invalid::new("invalid_time", error))
}

/// A text of 1 to `chars_max` characters without control characters or blanks around it.
pub fn text(raw: &Raw, chars_max: usize) -> Result<String, Invalid> {
    let text = raw.string()?;
    let refused = |code, why: Said| Err(Invalid::new(code, why));
    if text.trim().is_empty() {
        return refused("empty", said!("must not be empty", "no debe estar vacío"));
    }
    if text.chars().nth(chars_max).is_some() {
        return refused(
            "too_long",
            said!("has more than {chars_max} characters", "tiene más de {chars_max} caracteres"),
        );
    }
    if text.trim() != text {
        return refused("surrounding_blanks", IdError::SurroundingBlanks.into());
    }
    if text.chars().any(char::is_control) {
        return refused("control_character", IdError::ControlCharacter.into());
    }
    Ok(text)
}

/// A whole number of a range.
pub fn integer_within(raw: &Raw, least: i64, most: i64) -> Result<i64, Invalid> {
    let number = raw.integer()?;
    if (least..=most).contains(&number) {
        return Ok(number);
    }
    let why = said!("must be {least} to {most}", "debe estar entre {least} y {most}");
    Err(Invalid::new("out_of_range", why))
}

/// A country's two letters (ISO 3166-1 alpha-2), in capitals.
pub fn country(raw: &Raw) -> Result<String, Invalid> {
    let code = raw.string()?.to_ascii_uppercase();
    if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(code);
    }
    let why = said!(
        "must be a country's two letters (ISO 3166-1), such as CO",
        "debe ser las dos letras de un país (ISO 3166-1), como CO"
    );
    Err(Invalid::new("invalid_country", why))
}

/// One of a table of words, such as `[("venta", Kind::Sale)]`.
pub fn one_of<T: Copy>(raw: &Raw, words: &[(&str, T)]) -> Result<T, Invalid> {
    let word = raw.string()?;
    let found = words.iter().find(|(known, _)| *known == word);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let known = words.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", ");
        Invalid::new("unknown_value", said!("must be one of {known}", "debe ser uno de {known}"))
    })
}

impl From<IdError> for Said {
    fn from(error: IdError) -> Self {
        let spanish = match error {
            IdError::Empty => "no debe estar vacío",
            IdError::TooLong => "tiene más de 64 caracteres o 255 bytes",
            IdError::SurroundingBlanks => "no debe empezar ni terminar con un espacio",
            IdError::ControlCharacter => "no debe contener caracteres de control",
        };
        Self::both(error.to_string(), spanish)
    }
}

impl From<AmountError> for Said {
    fn from(error: AmountError) -> Self {
        let spanish = match error {
            AmountError::NotANumber => "debe ser un número, escrito sin comillas",
            AmountError::TooLarge => "tiene más de 28 cifras antes del punto",
            AmountError::TooPrecise => {
                "tiene demasiadas cifras después del punto: un importe tiene a lo sumo 28 cifras"
            }
        };
        Self::both(error.to_string(), spanish)
    }
}

impl From<MoneyError> for Said {
    fn from(error: MoneyError) -> Self {
        let spanish = match error {
            MoneyError::TooPrecise { currency, exponent } => {
                format!("tiene más decimales de los que tiene {currency} ({exponent})")
            }
            MoneyError::TooLarge => "es mayor de lo que se puede contabilizar".to_owned(),
            MoneyError::OtherCurrency { left, right } => format!("está en {right}, no en {left}"),
        };
        Self::both(error.to_string(), spanish)
    }
}

impl From<CurrencyError> for Said {
    fn from(error: CurrencyError) -> Self {
        let spanish = match error {
            CurrencyError::Unknown => "no es un código de moneda de ISO 4217, como USD, COP o EUR",
            CurrencyError::NotCountable => {
                "es un código de ISO 4217 sin unidad mínima: no se puede pagar en esa moneda"
            }
        };
        Self::both(error.to_string(), spanish)
    }
}

impl From<RateError> for Said {
    fn from(error: RateError) -> Self {
        let spanish = match error {
            RateError::OutOfRange => "debe estar entre 0 y 100 por ciento",
            RateError::TooPrecise => "tiene más de 6 decimales",
        };
        Self::both(error.to_string(), spanish)
    }
}

impl From<EmailError> for Said {
    fn from(error: EmailError) -> Self {
        Self::both(error.to_string(), "debe ser una dirección de correo, como juan@email.com")
    }
}

impl From<TimestampError> for Said {
    fn from(error: TimestampError) -> Self {
        Self::both(
            error.to_string(),
            "debe ser un instante como en RFC 3339, por ejemplo 2025-01-15T10:30:00Z",
        )
    }
}
