CREATE TABLE bench_step (n int NOT NULL PRIMARY KEY);
CREATE TABLE bench_first (
    aggregatetype varchar(255) NOT NULL, type varchar(255) NOT NULL, payload longtext NOT NULL, headers longtext NOT NULL,
    occurred_at bigint NOT NULL
) CHARACTER SET utf8mb4;
INSERT INTO bench_first
    SELECT aggregatetype, type, payload, headers, occurred_at FROM outbox_event ORDER BY seq LIMIT 1;
DELIMITER //
CREATE PROCEDURE fill(first int, total int)
BEGIN
    DECLARE done int DEFAULT 0;
    DELETE FROM bench_step;
    WHILE done < {ROWS_A_COMMIT} DO
        INSERT INTO bench_step VALUES (done);
        SET done = done + 1;
    END WHILE;
    SET done = 0;
    WHILE done < total DO
        INSERT INTO outbox_event
            (id, aggregatetype, aggregateid, type, payload, headers, occurred_at, published)
        SELECT UUID(), aggregatetype, CONCAT('com_', LPAD((first + done + n) DIV {ROWS_AN_AGGREGATE}, 9, '0')), type,
            REPLACE(payload, '{FIRST}', CONCAT('conv-bench-', LPAD(first + done + n, 9, '0'))), headers, occurred_at, 0
        FROM bench_first, bench_step WHERE done + n < total ORDER BY n;
        SET done = done + {ROWS_A_COMMIT};
    END WHILE;
END //
DELIMITER ;
