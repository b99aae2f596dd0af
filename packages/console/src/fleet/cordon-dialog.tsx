import { useEffect, useRef, useState } from 'preact/hooks';
import { consoleMethod } from '../access.js';
import { call } from '../calls/connect.js';
import type { Instance } from './watch.js';

interface DialogProps {
  readonly instance: Instance;
  readonly onClose: () => void;
}

const TIMEOUT_MS = 5_000;

/** Says what draining or uncordoning an instance does, and does it. */
export function CordonDialog({ instance: { id, state }, onClose }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [reason, setReason] = useState('');
  const [fault, setFault] = useState('');
  const [isBusy, setBusy] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  const cordons = state !== 'cordoned';
  const act = async () => {
    setBusy(true);
    const signal = AbortSignal.timeout(2 * TIMEOUT_MS);
    const messages = [{ instanceId: id, cordoned: cordons, reason: reason === '' ? 'by the console' : reason }];
    const path = consoleMethod('SetCordon');
    for await (const event of call({ path, streams: false, messages, timeoutMs: TIMEOUT_MS, signal })) {
      if (event.kind !== 'end') continue;
      setFault(event.error?.message ?? '');
      if (event.error === undefined) dialog.current?.close();
    }
    setBusy(false);
  };
  return (
    <dialog ref={dialog} aria-labelledby="cordon-title" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void act();
        }}
      >
        <h3 id="cordon-title">
          {cordons ? 'Drain' : 'Uncordon'} {id}
        </h3>
        <p>
          {cordons
            ? 'All clients stop to send it new calls within a second or two; it finishes those that it has, and goes on running. It stays cordoned through restarts, until you uncordon it.'
            : 'Clients send it calls again, as soon as it says that it serves.'}
        </p>
        {cordons && (
          <div class="field">
            <label for="reason">Why, for other operators</label>
            <input
              id="reason"
              type="text"
              maxLength={256}
              value={reason}
              onInput={({ currentTarget: { value } }) => setReason(value)}
            />
          </div>
        )}
        {fault !== '' && (
          <p class="fault" role="alert">
            {fault}
          </p>
        )}
        <p class="row">
          <button type="submit" class="primary" disabled={isBusy}>
            {cordons ? 'Drain it' : 'Uncordon it'}
          </button>
          <button type="button" onClick={() => dialog.current?.close()}>
            Leave it
          </button>
        </p>
      </form>
    </dialog>
  );
}
