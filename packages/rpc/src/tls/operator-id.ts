/** The ids of those who operate a system. */
const OPERATOR = /^spiffe:\/\/[^/]+\/(?:person|operator)\//;

/** Whether a SPIFFE id is that of a person or an operator. */
export const isOperatorId = (identity: string): boolean => OPERATOR.test(identity);
