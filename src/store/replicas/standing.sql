-- How far a server is, and of what it is a copy. The timeline changes when a standby is promoted. A standby has no function
-- that tells its own; what it keeps on disk may be older, and what its receiver works on shows to members of pg_monitor only.
SELECT
    standby,
    (CASE WHEN standby THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END - '0/0')::bigint,
    system_identifier,
    (SELECT oid FROM pg_database WHERE datname = current_database()),
    CASE
        WHEN standby THEN greatest(
            timeline_id,
            min_recovery_end_timeline,
            (SELECT received_tli FROM pg_stat_wal_receiver)
        )
        ELSE ('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::integer
    END
FROM
    (SELECT pg_is_in_recovery() AS standby) AS part,
    pg_control_system(),
    pg_control_checkpoint(),
    pg_control_recovery()
