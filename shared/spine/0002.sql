-- The spine, second revision: whether a service was restored from a backup, and dossiers whose history forked.

ALTER TABLE head ADD COLUMN frozen_at TIMESTAMP WITH TIME ZONE;

CREATE INDEX head_frozen ON head (frozen_at) WHERE frozen_at IS NOT NULL;

CREATE TABLE restoration (
	service TEXT NOT NULL, 
	restored_since TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	missing JSONB DEFAULT '[]' NOT NULL, 
	recovered_until TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (service)
);
