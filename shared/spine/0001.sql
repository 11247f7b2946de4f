-- The spine, first revision: heads, the ledger, holds, parked dossiers, leases, reference data, idempotency keys.

CREATE TABLE event (
	dossier_id UUID NOT NULL, 
	seq INTEGER NOT NULL, 
	id UUID NOT NULL, 
	type TEXT NOT NULL, 
	time TIMESTAMP WITH TIME ZONE NOT NULL, 
	after TEXT NOT NULL, 
	chain BIGINT NOT NULL, 
	data BYTEA NOT NULL, 
	correlation_id TEXT NOT NULL, 
	traceparent TEXT NOT NULL, 
	shard SMALLINT NOT NULL, 
	recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	published_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (dossier_id, seq)
)
 PARTITION BY RANGE (dossier_id);

CREATE INDEX event_unpublished ON event (shard, time) WHERE published_at IS NULL;

CREATE INDEX event_recorded ON event (recorded_at);

CREATE TABLE head (
	dossier_id UUID NOT NULL, 
	time TIMESTAMP WITH TIME ZONE, 
	intake_seq INTEGER DEFAULT '0' NOT NULL, 
	intake_chain BIGINT DEFAULT '0' NOT NULL, 
	workflow_seq INTEGER DEFAULT '0' NOT NULL, 
	workflow_chain BIGINT DEFAULT '0' NOT NULL, 
	sla_seq INTEGER DEFAULT '0' NOT NULL, 
	sla_chain BIGINT DEFAULT '0' NOT NULL, 
	notify_seq INTEGER DEFAULT '0' NOT NULL, 
	notify_chain BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (dossier_id)
);

CREATE TABLE hold (
	dossier_id UUID NOT NULL, 
	source TEXT NOT NULL, 
	wanted_seq INTEGER NOT NULL, 
	since TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	next_try_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	n_tries INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (dossier_id, source)
);

CREATE INDEX hold_due ON hold (next_try_at);

CREATE TABLE idempotency_key (
	key_hash BYTEA NOT NULL, 
	request_hash BYTEA NOT NULL, 
	status SMALLINT NOT NULL, 
	headers JSONB NOT NULL, 
	body BYTEA NOT NULL, 
	recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (key_hash)
);

CREATE INDEX idempotency_key_recorded ON idempotency_key (recorded_at);

CREATE TABLE parked (
	id UUID NOT NULL, 
	dossier_id UUID NOT NULL, 
	source TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	type TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	error TEXT NOT NULL, 
	n_tries INTEGER NOT NULL, 
	is_retrying BOOLEAN DEFAULT false NOT NULL, 
	since TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	last_tried_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (dossier_id)
);

CREATE TABLE reference (
	kind TEXT NOT NULL, 
	code TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	data JSONB NOT NULL, 
	owned BOOLEAN NOT NULL, 
	recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	published_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (kind, code, version)
);

CREATE INDEX reference_unpublished ON reference (kind) WHERE owned AND published_at IS NULL;

CREATE TABLE relay_shard (
	shard SMALLINT NOT NULL, 
	owner UUID, 
	fence BIGINT DEFAULT '0' NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (shard)
);

CREATE TABLE sweep (
	peer TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	began_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	ended_at TIMESTAMP WITH TIME ZONE, 
	covers_until TIMESTAMP WITH TIME ZONE, 
	business_until TIMESTAMP WITH TIME ZONE, 
	n_compared INTEGER DEFAULT '0' NOT NULL, 
	n_behind INTEGER DEFAULT '0' NOT NULL, 
	found JSONB DEFAULT '[]' NOT NULL, 
	error TEXT, 
	PRIMARY KEY (peer, kind)
);

CREATE TABLE event_default PARTITION OF event DEFAULT;

CREATE TABLE relay_owner (
	owner UUID NOT NULL, 
	seen_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (owner)
);

INSERT INTO relay_shard (shard) SELECT generate_series(0, 7);

ALTER TABLE head SET (fillfactor = 70);
