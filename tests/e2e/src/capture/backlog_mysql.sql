DELIMITER //
DROP PROCEDURE IF EXISTS backlog //
CREATE PROCEDURE backlog(total int)
BEGIN
    DECLARE done int DEFAULT 0;
    DECLARE aggregate_id varchar(64);
    START TRANSACTION;
    WHILE done < total DO
        SET aggregate_id = CONCAT('aggregate-', done MOD 12);
        UPDATE version SET version = version + 1 WHERE aggregate = aggregate_id;
        INSERT INTO outbox_event
            (id, aggregatetype, aggregateid, type, payload, headers, occurred_at, published)
        SELECT UUID(), first.aggregatetype, aggregate_id, first.type,
            CONCAT('{"aggregate":"', aggregate_id, '","version":', version.version, ',"filler":"', REPEAT('x', {FILLER}), '"}'), first.headers,
            first.occurred_at, 0
        FROM (SELECT * FROM outbox_event ORDER BY seq LIMIT 1) AS first, version
        WHERE version.aggregate = aggregate_id;
        SET done = done + 1;
        IF done MOD 20 = 0 THEN
            COMMIT;
            START TRANSACTION;
        END IF;
    END WHILE;
    COMMIT;
END //
DELIMITER ;
SET GLOBAL sync_binlog = 0, GLOBAL innodb_flush_log_at_trx_commit = 0;
CALL backlog({ROWS});
SET GLOBAL sync_binlog = 1, GLOBAL innodb_flush_log_at_trx_commit = 1;
