/** Milliseconds that all processes of a machine count alike. */
export const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

/** A title that no other change has, and that says when it was written. */
export const titleOf = (number) => `${number} ${nowMs()}`;

/** When the change with this title was written. */
export const writtenAt = (title) => Number(title.split(' ')[1]);
