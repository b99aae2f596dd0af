/** Assigns the columns that every change of a versioned row updates. */
export const CHANGED = 'version = version + 1, update_time = greatest(clock_timestamp(), update_time)';

/** Assigns the columns of a deletion. If the clock has gone back, the deletion isn't dated before the row's last change. */
export const DELETED = `delete_time = greatest(clock_timestamp(), update_time), ${CHANGED}`;

/** Whether a row is deleted. The indexes of lists have these conditions. */
export const DELETION = { live: 'delete_time IS NULL', deleted: 'delete_time IS NOT NULL' };
