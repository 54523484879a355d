-- Access tokens that were issued to a client before this moment count no more: it was shut out since, or another client
-- had its identifier then.
ALTER TABLE clients ADD COLUMN tokens_not_before INTEGER NOT NULL DEFAULT 0;
