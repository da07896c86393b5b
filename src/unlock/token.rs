//! A key in a PKCS#11 token: a hardware security module, or software that speaks like one.
//!
//! The token computes HMAC-SHA-256 of a slot's salt with a key that it never gives out. The result
//! opens the slot. So the token must be asked at each start, and what is in the keyring's file is of no
//! use without it.

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use zeroize::Zeroizing;

use super::UnlockError;
use super::owned::check_owned;
use crate::config::TokenUri;
use crate::crypto::{Bytes32, KeySlots, NewSlot, SlotLock, SlotSecret, TokenSalt};

/// Before the salt in what the token computes, so that the key cannot be used for us by chance.
const CONTEXT: &[u8] = b"fmv1/token-slot\0";
/// Length of a new key in bytes.
const KEY_LEN: u64 = 32;

/// What the token computes for each of the slots that are a token's.
///
/// # Errors
///
/// As [`compute`].
pub(super) fn secret(uri: &TokenUri, slots: &KeySlots) -> Result<SlotSecret, UnlockError> {
    let of_tokens = slots.iter().filter_map(|slot| match slot.lock() {
        SlotLock::Token { salt, .. } => Some((slot.id(), *salt)),
        SlotLock::Passphrase { .. }
        | SlotLock::KeyFile { .. }
        | SlotLock::Recovery { .. }
        | SlotLock::Program { .. } => None,
    });
    let (ids, salts): (Vec<_>, Vec<_>) = of_tokens.unzip();
    let computed = compute(uri, &salts, false)?;
    Ok(SlotSecret::Token(ids.into_iter().zip(computed).collect()))
}

/// A slot that the token opens. A key that is not in it yet is made.
///
/// # Errors
///
/// As [`compute`].
pub(super) fn new_slot(uri: &TokenUri, salt: TokenSalt) -> Result<NewSlot, UnlockError> {
    let computed = compute(uri, &[salt], true)?;
    let computed = computed.first().expect("one for each salt");
    Ok(NewSlot::token(salt, computed))
}

/// What the token computes of each of `salts`. With `make`, a key that is not there is made.
///
/// # Errors
///
/// [`UnlockError::Owned`] if others could have changed the module; [`UnlockError::Secret`] if the PIN
/// cannot be read; [`UnlockError::Token`].
fn compute(uri: &TokenUri, salts: &[TokenSalt], make: bool) -> Result<Vec<Bytes32>, UnlockError> {
    check_owned(&uri.module)?;
    let pin = uri.pin.read()?;
    let module = Pkcs11::new(&uri.module).map_err(TokenError::from)?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(TokenError::from(error).into()),
    }
    let slot = find_token(&module, uri)?;
    let session = match make {
        true => module.open_rw_session(slot),
        false => module.open_ro_session(slot),
    };
    let session = session.map_err(TokenError::from)?;
    log_in(&session, &pin)?;
    let key = find_key(&session, uri, make)?;
    let each = salts.iter().map(|salt| {
        let message = [CONTEXT, salt].concat();
        let mac = session.sign(&Mechanism::Sha256Hmac, key, &message).map_err(TokenError::from)?;
        Ok(Bytes32::brought(&Zeroizing::new(mac))?)
    });
    each.collect()
}

fn find_token(module: &Pkcs11, uri: &TokenUri) -> Result<Slot, TokenError> {
    let mut found = Vec::new();
    for slot in module.get_slots_with_token()? {
        let info = module.get_token_info(slot)?;
        let fits = |want: &Option<String>, has: &str| want.as_ref().is_none_or(|want| want == has);
        if info.token_initialized()
            && fits(&uri.token, info.label())
            && fits(&uri.serial, info.serial_number())
        {
            found.push(slot);
        }
    }
    match found.as_slice() {
        [slot] => Ok(*slot),
        [] => Err(TokenError::NoToken),
        _ => Err(TokenError::ManyTokens { count: found.len() }),
    }
}

fn log_in(session: &Session, pin: &str) -> Result<(), TokenError> {
    match session.login(UserType::User, Some(&AuthPin::new(pin.into()))) {
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        Err(Error::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange, _)) => {
            Err(TokenError::WrongPin)
        }
        Err(Error::Pkcs11(RvError::PinLocked, _)) => Err(TokenError::PinLocked),
        Err(error) => Err(error.into()),
    }
}

fn find_key(session: &Session, uri: &TokenUri, make: bool) -> Result<ObjectHandle, TokenError> {
    let wanted =
        [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Label(uri.object.clone().into())];
    let key = match session.find_objects(&wanted)?.as_slice() {
        [key] => *key,
        [] if make => {
            let [_, label] = wanted;
            return Ok(session.generate_key(&Mechanism::GenericSecretKeyGen, &new_key(label))?);
        }
        [] => return Err(TokenError::NoKey),
        many => return Err(TokenError::ManyKeys { count: many.len() }),
    };
    let asked = [AttributeType::Extractable, AttributeType::Sensitive];
    let attributes = session.get_attributes(key, &asked)?;
    let stays = attributes.contains(&Attribute::Extractable(false))
        && attributes.contains(&Attribute::Sensitive(true));
    if !stays {
        return Err(TokenError::Extractable);
    }
    Ok(key)
}

/// A key that the token keeps, never gives out, and uses for MACs only.
fn new_key(label: Attribute) -> Vec<Attribute> {
    vec![
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
        Attribute::ValueLen(KEY_LEN.into()),
        label,
    ]
}

/// Why a token gave no key.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// None with that label and serial number is there.
    #[error("there is no such token: check `token` and `serial` of keys.pkcs11, and that it is in")]
    NoToken,
    /// The label does not tell which.
    #[error("{count} tokens have that label: give `serial` in keys.pkcs11 too")]
    ManyTokens {
        /// How many.
        count: usize,
    },
    /// The token refused the PIN.
    #[error("the token refuses the PIN; it locks itself after a few more tries")]
    WrongPin,
    /// Too many wrong PINs.
    #[error("the token has locked its PIN: its security officer must unlock it")]
    PinLocked,
    /// No key has that label.
    #[error("the token has no secret key of that label: check `object` of keys.pkcs11")]
    NoKey,
    /// The label does not tell which.
    #[error("the token has {count} secret keys of that label: give each a label of its own")]
    ManyKeys {
        /// How many.
        count: usize,
    },
    /// The key could leave the token.
    #[error("the token would give its key out: make one that is sensitive and not extractable")]
    Extractable,
    /// The module or the token says something else.
    #[error("the token or its module fails: {0}")]
    Module(#[from] Error),
}
