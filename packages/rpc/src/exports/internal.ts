/**
 * What only other packages of this repository, its benchmarks and its end-to-end tests need. It may change with any
 * commit, and the linter refuses it in services.
 */

export { goldenRatioSequence } from '../balancer/low-discrepancy.js';
export {
  type BalancingPolicy,
  type Candidate,
  drawUntried,
  nextUntried,
  type PickCall,
  type Picker,
} from '../balancer/picker.js';
export { weightedRoundRobin } from '../balancer/round-robin.js';
export { baseWeights, effectiveWeights, rampOf, WeightedIndex } from '../balancer/weights.js';
export type { Payload, Reply } from '../call/call.js';
export { percentileMs } from '../call/durations.js';
export { isBase64 } from '../call/metadata.js';
export { runInScope } from '../call/scope.js';
export {
  currentTrace,
  inSpan,
  receivedTraceId,
  tracing,
  undecidedParent,
  validParent,
} from '../call/trace.js';
export { wasSent } from '../channel/attempt.js';
export { classifyFailure } from '../channel/failure.js';
export { groupBy } from '../channel/group-by.js';
export { CallWindow, isNeutral, isServerFault } from '../channel/outcomes.js';
export { BalancingError } from '../channel/overrides.js';
export type { ServiceView } from '../channel/service-view.js';
export { configuredToken, sendToken } from '../client/caller-token.js';
export { bindingOf } from '../client/client.js';
export {
  configuredBalancing,
  configuredMutualTls,
  configuredTransport,
  defaultChannel,
  TRANSPORTS,
} from '../client/default-channel.js';
export { answeredBy, detach, encodedRequest, isForwarded } from '../client/detached-call.js';
export { createForwarder } from '../client/forward.js';
export { withKey } from '../client/idempotency-key.js';
export { OPERATIONS } from '../client/operations.js';
export { checkedAddresses } from '../client/registry-channel.js';
export { authText } from '../contract/auth-policy.js';
export {
  type Balancing,
  DEFAULT_SERVICE_POLICY,
  POLICIES,
} from '../contract/balancing.js';
export { DEFAULT_BREAKER } from '../contract/breaker-policy.js';
export { DEFAULT_BULKHEAD } from '../contract/bulkhead-policy.js';
export {
  BYTES,
  type MessageType,
  type MethodDefinition,
  type OperationMethod,
  type OutcomeInit,
  type OutcomeOf,
  type RequestInit,
  type RequestOf,
  type ResponseOf,
  type ServiceDefinition,
} from '../contract/definition.js';
export { encodeMessage } from '../contract/encode.js';
export { type Method, methodsOf } from '../contract/method.js';
export { didYouMean, editDistance, listNames, nearest } from '../contract/nearest.js';
export { operationService } from '../contract/operation-name.js';
export { nameInCode, optionBytes, POLICY_TAG, servicePolicyOf } from '../contract/policy.js';
export { DEFAULT_RETRY } from '../contract/retry-policy.js';
export {
  type BalancingOverrides,
  balancingText,
  EVERY_SERVICE,
} from '../contract/setting-text.js';
export { readBytes } from '../contract/wire-fields.js';
export { clientErrors } from '../errors/client.js';
export { serverErrors } from '../errors/server.js';
export { LiveSettings } from '../live-config/live-settings.js';
export { checkSetting, LOG_LEVELS, SETTING_KEYS } from '../live-config/setting-keys.js';
export { observeReply } from '../middleware/stream.js';
export { createLoopback, STORED_CALL } from '../part/loopback.js';
export type { AskedPlugin, PartContext, Trial } from '../part/part.js';
export { stopParts } from '../part/part.js';
export { type PartOptions, processOf } from '../part/process-of.js';
export { endExpiredStreams } from '../principal/end-expired.js';
export { mayOperate, verifyPrincipals } from '../principal/verify-principals.js';
export { CANARY_LABEL, CANARY_RULE, canaryPercent, canaryReason, parseCanaryPercent } from '../resolver/canary.js';
export { checkZone, maskUrl, regionOf, ZONE_PATTERN } from '../resolver/endpoint.js';
export { folderStorage } from '../resolver/endpoint-storage.js';
export { registryResolver } from '../resolver/registry.js';
export type { Resolution, ResolverListener } from '../resolver/resolver.js';
export { PEER_PING_INTERVAL_MS, WATCH_PING_INTERVAL_MS } from '../resolver/static.js';
export type { MaxCalls } from '../server/admission/admission.js';
export { maxCallsText } from '../server/admission/max-calls-text.js';
export { createAuthorize, refusalOf } from '../server/authorize.js';
export { brief } from '../server/faults.js';
export { readChecked } from '../server/routed-call.js';
export { statusName } from '../status/code.js';
export { decodeStatusDetails, encodeStatusDetails, fitDetails, STATUS_DETAILS } from '../status/detail.js';
export type { Attempt } from '../status/rpc-error.js';
export { CallRefused, MissingPolicy, OvertakenByHedge, RouterError, TransportError } from '../status/wire-errors.js';
export { callLog, Sampler } from '../telemetry/call-log.js';
export { callMetrics } from '../telemetry/metrics.js';
export { versionOf } from '../tls/certificate-files.js';
export { lifeUsed } from '../tls/identity.js';
export {
  type MutualTls,
  openMutualTls,
  readTlsSettings,
  TLS_MODES,
} from '../tls/mutual-tls.js';
export { isOfEveryServer, servedByOf } from '../tls/served-by.js';
export { parseSpiffeId } from '../tls/spiffe-id.js';
export { decompress } from '../transport/grpc/compression.js';
export { Gathered } from '../transport/grpc/gathered.js';
export { PREFIX_BYTES, withPrefix } from '../transport/grpc/length-prefix.js';
export { setSharedTimer } from '../transport/grpc/shared-timer.js';
export { peerTransport, peerTransports } from '../transport/peer-connection.js';
export { type Transport, type TransportFactory, wrapTransport } from '../transport/transport.js';
export { addHeader, readTimeout, statusTrailer, toBase64 } from '../wire/answer.js';
export { Handshakes } from '../wire/handshakes.js';
export { http2Options } from '../wire/limits.js';
export { createListener } from '../wire/listener.js';
export { ClientCounts, networkOf, OpenConnections, remoteOf } from '../wire/open-connections.js';
export { PingBarrier } from '../wire/ping-barrier.js';
export { COMPRESSED, checkPrefix, MessageReader } from '../wire/requests.js';
export { openSession } from '../wire/session.js';
