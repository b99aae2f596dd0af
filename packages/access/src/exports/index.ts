/**
 * Who sees and changes which resources of a service, and who did.
 *
 * ```ts
 * import { createRules, rulesOf } from '@rondo/access';
 * import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
 * import { createStatusMapping } from '@rondo/resources';
 * import { NotPermitted } from '@rondo/resources/domain';
 *
 * const { toRpcError } = createStatusMapping('adder.example.com');
 * const rules = rulesOf(AdderServiceDefinition, {
 *   add: ({ a }, { scopes }) => {
 *     if (a < 0n && !scopes.includes('negative')) throw new NotPermitted('numbers/-', 'a negative number', 'negative');
 *   },
 * });
 * const middleware = [createRules({ rules: [rules], toRpcError })]; // of an app or a router
 * ```
 */

export { type Audit, type AuditInsert, type AuditOptions, auditParams, auditSql, createAudit } from '../audit/audit.js';
export { auditSchema } from '../audit/schema.js';
export { type AuditConfig, auditBy, auditVariables } from '../audit/variables.js';
export { createRules, type Rule, type Rules, type RulesByPath, rulesOf } from '../rules.js';
