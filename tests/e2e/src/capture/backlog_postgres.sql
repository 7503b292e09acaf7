CREATE OR REPLACE PROCEDURE backlog(total int) LANGUAGE plpgsql AS $$
DECLARE
    done int := 0;
    aggregate_id text;
    next_version bigint;
BEGIN
    WHILE done < total LOOP
        aggregate_id := 'aggregate-' || (done % 12);
        UPDATE version SET version = version + 1 WHERE aggregate = aggregate_id RETURNING version INTO next_version;
        INSERT INTO outbox_event
            (id, aggregatetype, aggregateid, type, payload, headers, occurred_at, published)
        SELECT gen_random_uuid()::text, aggregatetype, aggregate_id, type,
            '{"aggregate":"' || aggregate_id || '","version":' || next_version || ',"filler":"' || repeat('x', {FILLER}) || '"}', headers, occurred_at, 0
        FROM outbox_event ORDER BY seq LIMIT 1;
        done := done + 1;
        IF done % 20 = 0 THEN
            COMMIT;
        END IF;
    END LOOP;
END $$;
SET synchronous_commit = off;
CALL backlog({ROWS});
