//! The tables, once for both back ends; a test keeps the migrations equal to it.

use diesel::{allow_tables_to_appear_in_same_query, table};

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    clients (client_id) {
        client_id -> Text,
        document -> Doc,
        secret_hash -> Nullable<Binary>,
        secret_sealed -> Nullable<Binary>,
        disabled -> Bool,
        managed_by -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
        previous_secret_hash -> Nullable<Binary>,
        previous_secret_sealed -> Nullable<Binary>,
        previous_secret_expires_at -> Nullable<BigInt>,
        tokens_not_before -> BigInt,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    accounts (id) {
        id -> Uid,
        username -> Text,
        username_key -> Text,
        email -> Nullable<Text>,
        email_key -> Nullable<Text>,
        email_verified -> Bool,
        claims -> Doc,
        disabled -> Bool,
        last_login_at -> Nullable<BigInt>,
        managed_by -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
        mfa -> Nullable<Text>,
        must_change_password -> Bool,
        second_factor_failures -> BigInt,
        external_id -> Nullable<Text>,
        provisioned -> Nullable<Doc>,
        erase_at -> Nullable<BigInt>,
        warned_at -> Nullable<BigInt>,
        anonymised_at -> Nullable<BigInt>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    login_names (name_key) {
        name_key -> Text,
        account_id -> Uid,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    passwords (account_id) {
        account_id -> Uid,
        hash -> Text,
        changed_at -> BigInt,
        failures -> BigInt,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    totp_factors (id) {
        id -> Uid,
        account_id -> Uid,
        name -> Text,
        secret_sealed -> Binary,
        last_step -> Nullable<BigInt>,
        created_at -> BigInt,
        last_used_at -> Nullable<BigInt>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    recovery_codes (account_id, code_hash) {
        account_id -> Uid,
        code_hash -> Binary,
        created_at -> BigInt,
        consumed_at -> Nullable<BigInt>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    sessions (id) {
        id -> Uid,
        account_id -> Uid,
        secret_hash -> Binary,
        auth_time -> BigInt,
        factors -> Doc,
        created_at -> BigInt,
        last_seen_at -> BigInt,
        expires_at -> BigInt,
        ended_at -> Nullable<BigInt>,
        user_agent -> Nullable<Text>,
        address -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    consents (account_id, client_id) {
        account_id -> Uid,
        client_id -> Text,
        scope -> Text,
        granted_at -> BigInt,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    grants (id) {
        id -> Uid,
        account_id -> Uid,
        client_id -> Text,
        session_id -> Nullable<Uid>,
        scope -> Text,
        resources -> Doc,
        nonce -> Nullable<Text>,
        claims -> Doc,
        auth_time -> BigInt,
        factors -> Doc,
        created_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
        api_key_id -> Nullable<Uid>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    authorization_codes (code_hash) {
        code_hash -> Binary,
        grant_id -> Uid,
        client_id -> Text,
        redirect_uri -> Text,
        code_challenge -> Nullable<Text>,
        expires_at -> BigInt,
        consumed_at -> Nullable<BigInt>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    refresh_tokens (token_hash) {
        token_hash -> Binary,
        grant_id -> Uid,
        client_id -> Text,
        issued_at -> BigInt,
        expires_at -> BigInt,
        consumed_at -> Nullable<BigInt>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    revoked_tokens (jti) {
        jti -> Text,
        expires_at -> BigInt,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    replay (key_hash) {
        key_hash -> Binary,
        expires_at -> BigInt,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    signing_keys (kid) {
        kid -> Text,
        algorithm -> Text,
        sealed -> Binary,
        public_jwk -> Doc,
        created_at -> BigInt,
        activates_at -> BigInt,
        retires_at -> Nullable<BigInt>,
        expires_at -> Nullable<BigInt>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    roles (name) {
        name -> Text,
        description -> Text,
        permissions -> Doc,
        managed_by -> Nullable<Text>,
        mfa -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    scopes (name) {
        name -> Text,
        description -> Text,
        requires -> Doc,
        managed_by -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    resources (identifier) {
        identifier -> Text,
        scopes -> Doc,
        managed_by -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    account_roles (account_id, role) {
        account_id -> Uid,
        role -> Text,
        expires_at -> Nullable<BigInt>,
        granted_at -> BigInt,
        granted_by -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    account_permissions (account_id, permission) {
        account_id -> Uid,
        permission -> Text,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    setup_links (token_hash) {
        token_hash -> Binary,
        expires_at -> BigInt,
        consumed_at -> Nullable<BigInt>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    audit_events (id) {
        id -> Uid,
        at -> BigInt,
        kind -> Text,
        outcome -> Text,
        account_id -> Nullable<Uid>,
        client_id -> Nullable<Text>,
        actor -> Nullable<Text>,
        address -> Nullable<Text>,
        request_id -> Nullable<Text>,
        detail -> Doc,
        sequence -> Nullable<BigInt>,
        personal_hash -> Nullable<Binary>,
        hash -> Nullable<Binary>,
        anonymised_mac -> Nullable<Binary>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    password_history (id) {
        id -> Uid,
        account_id -> Uid,
        hash -> Text,
        changed_at -> BigInt,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    passkeys (id) {
        id -> Uid,
        account_id -> Uid,
        credential_id -> Binary,
        name -> Text,
        document -> Doc,
        created_at -> BigInt,
        last_used_at -> Nullable<BigInt>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    action_tokens (token_hash) {
        token_hash -> Binary,
        kind -> Text,
        subject -> Text,
        account_id -> Nullable<Uid>,
        sealed -> Binary,
        created_at -> BigInt,
        expires_at -> BigInt,
        consumed_at -> Nullable<BigInt>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    outbox (id) {
        id -> Uid,
        kind -> Text,
        sealed -> Binary,
        created_at -> BigInt,
        next_attempt_at -> BigInt,
        expires_at -> BigInt,
        attempts -> BigInt,
        last_error -> Nullable<Text>,
        recipient -> Nullable<Binary>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    upstreams (name) {
        name -> Text,
        document -> Doc,
        secret_sealed -> Nullable<Binary>,
        managed_by -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    upstream_identities (issuer, subject) {
        issuer -> Text,
        subject -> Text,
        account_id -> Uid,
        created_at -> BigInt,
        last_used_at -> Nullable<BigInt>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    rate_buckets (key_hash) {
        key_hash -> Binary,
        full_at -> BigInt,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    groups (id) {
        id -> Uid,
        display_name -> Text,
        display_key -> Text,
        external_id -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
        version -> BigInt,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    group_members (group_id, account_id) {
        group_id -> Uid,
        account_id -> Uid,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    group_roles (group_id, role) {
        group_id -> Uid,
        role -> Text,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    owned_resources (kind, id) {
        kind -> Text,
        id -> Text,
        owner_id -> Nullable<Uid>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    resource_permissions (kind, resource_id, account_id, permission) {
        kind -> Text,
        resource_id -> Text,
        account_id -> Uid,
        permission -> Text,
        expires_at -> Nullable<BigInt>,
        granted_at -> BigInt,
        granted_by -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    api_keys (id) {
        id -> Uid,
        account_id -> Uid,
        name -> Text,
        prefix -> Text,
        secret_hash -> Binary,
        previous_hash -> Nullable<Binary>,
        previous_expires_at -> Nullable<BigInt>,
        rotated_at -> Nullable<BigInt>,
        permissions -> Doc,
        networks -> Doc,
        rate -> Nullable<Text>,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
        last_used_at -> Nullable<BigInt>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    audit_chain (id) {
        id -> BigInt,
        sequence -> BigInt,
        hash -> Binary,
        pruned_sequence -> BigInt,
        pruned_hash -> Binary,
        mac -> Binary,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    statistics (hour, kind, label) {
        hour -> BigInt,
        kind -> Text,
        label -> Text,
        count -> BigInt,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::sql::*;

    consent_records (id) {
        id -> Uid,
        account_id -> Uid,
        client_id -> Nullable<Text>,
        kind -> Text,
        scope -> Text,
        version -> Nullable<Text>,
        at -> BigInt,
    }
}

allow_tables_to_appear_in_same_query!(
    accounts,
    login_names,
    account_roles,
    account_permissions,
    roles,
    groups,
    group_members,
    group_roles,
    grants,
    authorization_codes,
    refresh_tokens,
    revoked_tokens,
    owned_resources,
    resource_permissions,
    api_keys
);
