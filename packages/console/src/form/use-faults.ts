import type { DescMessage, JsonValue, Registry } from '@bufbuild/protobuf';
import { useEffect, useState } from 'preact/hooks';
import type { Fault } from './validate.js';

/** How long a person may type before faults are shown. Milliseconds. */
const PAUSE_MS = 150;

/** The faults of a request, as it is typed. What checks it is loaded with the first form. */
export function useFaults(desc: DescMessage, value: JsonValue, registry: Registry): readonly Fault[] {
  const [faults, setFaults] = useState<readonly Fault[]>([]);
  useEffect(() => {
    let isCurrent = true;
    const check = async () => {
      const { faultsOf } = await import('./validate.js');
      if (isCurrent) setFaults(faultsOf(desc, value, registry));
    };
    const timer = setTimeout(() => void check(), PAUSE_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [desc, value, registry]);
  return faults;
}
