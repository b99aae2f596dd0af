import type { Attributes } from '@opentelemetry/api';
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources';

/** The process, as the registry has it. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` take precedence. */
export function resourceOf(attributes: Attributes): Resource {
  const own = defaultResource().merge(resourceFromAttributes(attributes));
  return own.merge(detectResources({ detectors: [envDetector] }));
}
