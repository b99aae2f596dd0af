/**
 * Who sees and changes which resources of a service, and who did.
 *
 * ```ts
 * import { createRules, rulesOf } from '@rondo/access';
 *
 * const middleware = createRules({ rules: [rulesOf(BookServiceDefinition, { getBook: seesBook })], toRpcError });
 * ```
 */

export { type Audit, type AuditInsert, type AuditOptions, auditParams, auditSql, createAudit } from '../audit/audit.js';
export { auditSchema } from '../audit/schema.js';
export { type AuditConfig, auditBy, auditVariables } from '../audit/variables.js';
export { createRules, type Rule, type Rules, type RulesByPath, rulesOf, type SightRule } from '../rules.js';
export { type WatchRequest, watchOf } from '../watch.js';
