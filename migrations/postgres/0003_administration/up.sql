-- What an organisation runs on: groups, permissions on single resources, API keys, a sealed audit trail, statistics,
-- records of consent, and accounts that are to be erased.

-- The identifier by which whoever provisions the account knows it (RFC 7643 §3.1).
ALTER TABLE accounts ADD COLUMN external_id TEXT;
-- What whoever provisions the account says of it and nothing else here has a place for.
ALTER TABLE accounts ADD COLUMN provisioned JSONB;
CREATE INDEX accounts_updated ON accounts (updated_at, id);
-- When the account is to be erased.
ALTER TABLE accounts ADD COLUMN erase_at BIGINT;
-- When its holder was told that it is not used and will be anonymised, and when it was.
ALTER TABLE accounts ADD COLUMN warned_at BIGINT;
ALTER TABLE accounts ADD COLUMN anonymised_at BIGINT;
-- The mailbox that something is for, unreadably, so that it can be taken out with its account.
ALTER TABLE outbox ADD COLUMN recipient BYTEA;
CREATE INDEX outbox_recipient ON outbox (recipient) WHERE recipient IS NOT NULL;
-- Lists go by the letters as they are, in every place alike.
ALTER TABLE accounts ALTER COLUMN username_key TYPE TEXT COLLATE "C";
ALTER TABLE login_names ALTER COLUMN name_key TYPE TEXT COLLATE "C";
CREATE INDEX accounts_created ON accounts (created_at, id);
-- Who never signed in stands before all others.
CREATE INDEX accounts_last_login ON accounts ((COALESCE(last_login_at, 0)), id);
CREATE INDEX sessions_created ON sessions (created_at, id);
CREATE INDEX grants_listed ON grants (created_at, id);
CREATE INDEX accounts_external_id ON accounts (external_id) WHERE external_id IS NOT NULL;
CREATE INDEX accounts_disabled ON accounts (disabled, username_key);
CREATE INDEX accounts_erase ON accounts (erase_at) WHERE erase_at IS NOT NULL;

-- The role is not held any more from this moment on.
ALTER TABLE account_roles ADD COLUMN expires_at BIGINT;
ALTER TABLE account_roles ADD COLUMN granted_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE account_roles ADD COLUMN granted_by TEXT;
CREATE INDEX account_roles_granted_by ON account_roles (granted_by) WHERE granted_by IS NOT NULL;
CREATE INDEX account_roles_members ON account_roles (role, account_id);
CREATE INDEX account_roles_expires ON account_roles (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX account_permissions_holders ON account_permissions (permission, account_id);

-- After a rotation the former secret may be good for a while.
ALTER TABLE clients ADD COLUMN previous_secret_hash BYTEA;
ALTER TABLE clients ADD COLUMN previous_secret_sealed BYTEA;
ALTER TABLE clients ADD COLUMN previous_secret_expires_at BIGINT;

CREATE TABLE groups (
    id           UUID PRIMARY KEY NOT NULL,
    display_name TEXT NOT NULL,
    display_key  TEXT NOT NULL UNIQUE,
    external_id  TEXT,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    -- Counts the changes of the group and of its members.
    version      BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE group_members (
    group_id   UUID NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, account_id)
);
CREATE INDEX group_members_account ON group_members (account_id);

-- The roles that the members of a group hold, as the configuration says.
CREATE TABLE group_roles (
    group_id UUID NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    role     TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    PRIMARY KEY (group_id, role)
);
CREATE INDEX group_roles_role ON group_roles (role);

-- Things of other systems that somebody owns.
CREATE TABLE owned_resources (
    kind       TEXT NOT NULL,
    id         TEXT NOT NULL,
    owner_id   UUID REFERENCES accounts (id) ON DELETE SET NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX owned_resources_owner ON owned_resources (owner_id, kind, id);

CREATE TABLE resource_permissions (
    kind        TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    account_id  UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    permission  TEXT NOT NULL,
    expires_at  BIGINT,
    granted_at  BIGINT NOT NULL,
    granted_by  TEXT,
    PRIMARY KEY (kind, resource_id, account_id, permission),
    FOREIGN KEY (kind, resource_id) REFERENCES owned_resources (kind, id) ON DELETE CASCADE
);
CREATE INDEX resource_permissions_granted_by ON resource_permissions (granted_by) WHERE granted_by IS NOT NULL;
CREATE INDEX resource_permissions_expires ON resource_permissions (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX resource_permissions_account ON resource_permissions (account_id, kind, permission, resource_id);

CREATE TABLE api_keys (
    id                  UUID PRIMARY KEY NOT NULL,
    account_id          UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name                TEXT NOT NULL,
    prefix              TEXT NOT NULL,
    secret_hash         BYTEA NOT NULL UNIQUE,
    -- The secret before the last rotation, and until when it still opens.
    previous_hash       BYTEA UNIQUE,
    previous_expires_at BIGINT,
    rotated_at          BIGINT,
    permissions         JSONB NOT NULL,
    networks            JSONB NOT NULL,
    rate                TEXT,
    created_at          BIGINT NOT NULL,
    expires_at          BIGINT,
    revoked_at          BIGINT,
    last_used_at        BIGINT
);
CREATE INDEX api_keys_account ON api_keys (account_id, created_at);
CREATE INDEX api_keys_created ON api_keys (created_at, id);
CREATE INDEX api_keys_expires ON api_keys (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX api_keys_revoked ON api_keys (revoked_at) WHERE revoked_at IS NOT NULL;
-- The key that a grant was made with, which it ends with.
ALTER TABLE grants ADD COLUMN api_key_id UUID REFERENCES api_keys (id) ON DELETE CASCADE;
CREATE INDEX grants_api_key ON grants (api_key_id) WHERE api_key_id IS NOT NULL;

-- Sealed events form a chain: each hash covers the one before. What is personal is covered by a hash of its own, so
-- that it can be taken out later and the chain still holds.
ALTER TABLE audit_events ADD COLUMN sequence BIGINT;
ALTER TABLE audit_events ADD COLUMN personal_hash BYTEA;
ALTER TABLE audit_events ADD COLUMN hash BYTEA;
-- Vouches for what a person was taken out of.
ALTER TABLE audit_events ADD COLUMN anonymised_mac BYTEA;
CREATE UNIQUE INDEX audit_events_sequence ON audit_events (sequence) WHERE sequence IS NOT NULL;
CREATE INDEX audit_events_unsealed ON audit_events (at, id) WHERE sequence IS NULL;
CREATE INDEX audit_events_request ON audit_events (request_id);
CREATE INDEX audit_events_actor ON audit_events (actor, at) WHERE actor IS NOT NULL;

-- One row, itself sealed: the last sealed event, and the last one that retention removed.
CREATE TABLE audit_chain (
    id              BIGINT PRIMARY KEY NOT NULL,
    sequence        BIGINT NOT NULL,
    hash            BYTEA NOT NULL,
    pruned_sequence BIGINT NOT NULL,
    pruned_hash     BYTEA NOT NULL,
    mac             BYTEA NOT NULL
);

-- Counts of what happened in an hour, which begins at the given moment.
CREATE TABLE statistics (
    hour  BIGINT NOT NULL,
    kind  TEXT NOT NULL,
    label TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (hour, kind, label)
);

-- What was agreed to and taken back, and under which version of the terms.
CREATE TABLE consent_records (
    id         UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    client_id  TEXT,
    kind       TEXT NOT NULL,
    scope      TEXT NOT NULL,
    version    TEXT,
    at         BIGINT NOT NULL
);
CREATE INDEX consent_records_account ON consent_records (account_id, at);

-- The roles to start with. Each can be changed or removed.
INSERT INTO roles (name, description, permissions) VALUES
    ('viewer', 'Sees everything and changes nothing', '["access:read","accounts:read","api-keys:read","audit:read","clients:read","grants:read","keys:read","requests:read","roles:read","sessions:read","statistics:read","upstreams:read"]'),
    ('user', 'An ordinary account', '[]'),
    ('moderator', 'Helps people who cannot sign in', '["accounts:disable","accounts:read","accounts:recover","grants:read","requests:read","sessions:end","sessions:read"]'),
    ('admin', 'Runs the service day by day', '["access:read","access:write","accounts:delete","accounts:disable","accounts:read","accounts:recover","accounts:write","api-keys:read","api-keys:revoke","audit:read","clients:read","clients:write","grants:read","grants:revoke","keys:read","requests:read","roles:assign","roles:read","sessions:end","sessions:read","statistics:read","upstreams:read"]'),
    ('super_admin', 'May do everything', '["*"]')
ON CONFLICT (name) DO NOTHING;
UPDATE roles SET permissions = '["*"]' WHERE name = 'super_admin' AND permissions = '[]'::jsonb;
