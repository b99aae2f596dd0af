import { Priority as PriorityOption } from '@rondo/contracts/rondo/options/v1/options';

/** How important calls are while their server is overloaded. `critical` calls are never refused because of overload. */
export type Priority = 'low' | 'normal' | 'high' | 'critical';

/** The priority that a contract declares; undefined if it declares none, or one that this version doesn't know. */
export function priorityOf(option: PriorityOption | undefined): Priority | undefined {
  switch (option) {
    case PriorityOption.PRIORITY_LOW:
      return 'low';
    case PriorityOption.PRIORITY_NORMAL:
      return 'normal';
    case PriorityOption.PRIORITY_HIGH:
      return 'high';
    case PriorityOption.PRIORITY_CRITICAL:
      return 'critical';
    default:
      return undefined;
  }
}
