CREATE TABLE bench_first AS
    SELECT aggregatetype, type, payload, headers, occurred_at FROM outbox_event ORDER BY seq LIMIT 1;
CREATE PROCEDURE fill(first int, total int) LANGUAGE plpgsql AS $$
DECLARE
    done int := 0;
BEGIN
    WHILE done < total LOOP
        INSERT INTO outbox_event
            (id, aggregatetype, aggregateid, type, payload, headers, occurred_at, published)
        SELECT gen_random_uuid()::text, aggregatetype, 'com_' || lpad(((first + done + n) / {ROWS_AN_AGGREGATE})::text, 9, '0'),
            type, replace(payload, '{FIRST}', 'conv-bench-' || lpad((first + done + n)::text, 9, '0')), headers,
            occurred_at, 0
        FROM bench_first, generate_series(0, {ROWS_A_COMMIT} - 1) AS n WHERE done + n < total ORDER BY n;
        COMMIT;
        done := done + {ROWS_A_COMMIT};
    END LOOP;
END $$;
