import { useState } from 'preact/hooks';
import { consoleService } from '../access.js';
import { Dialog } from '../page/dialog.js';
import { Field } from '../page/form.js';
import type { Instance } from './watch.js';

/** What an operator does to an instance. */
export interface Act {
  readonly kind: 'cordon' | 'weight' | 'restart';
  readonly instance: Instance;
}

interface DialogProps {
  readonly instance: Instance;
  readonly onClose: () => void;
}

/** Says what an act does, and does it. */
export function ActDialog({ act: { kind, instance }, onClose }: { readonly act: Act; readonly onClose: () => void }) {
  const Shown = { cordon: CordonDialog, weight: WeightDialog, restart: RestartDialog }[kind];
  return <Shown instance={instance} onClose={onClose} />;
}

function CordonDialog({ instance: { id, state }, onClose }: DialogProps) {
  const [reason, setReason] = useState('');
  const cordoned = state !== 'cordoned';
  const request = { instanceId: id, cordoned, reason: reason || 'by the console' };
  return (
    <Dialog
      title={`${cordoned ? 'Drain' : 'Uncordon'} ${id}`}
      action={cordoned ? 'Drain it' : 'Uncordon it'}
      leave="Leave it"
      onAct={() => consoleService.call('setCordon', request)}
      onClose={onClose}
    >
      <p>
        {cordoned
          ? 'All clients stop to send it new calls within a second or two; it finishes those that it has, and goes on running. It stays cordoned through restarts, until you uncordon it.'
          : 'Clients send it calls again, as soon as it says that it serves.'}
      </p>
      {cordoned && <Field label="Why, for other operators" maxLength={256} value={reason} onChange={setReason} />}
    </Dialog>
  );
}

function WeightDialog({ instance: { id, weight = 100 }, onClose }: DialogProps) {
  const [wanted, setWanted] = useState(String(weight));
  return (
    <Dialog
      title={`Weight of ${id}`}
      action={wanted === '' ? 'Take it back' : 'Set it'}
      leave="Leave it"
      onAct={async () => consoleService.call('setWeight', { instanceId: id, weight: toWeight(wanted) })}
      onClose={onClose}
    >
      <p>
        Clients send it calls in proportion to its weight, from 1 to 1,000, relative to that of its peers. Round robin
        doesn’t weigh. The setting <code>weights</code> keeps it through restarts. Empty takes it back: then the
        instance has the weight with which it started.
      </p>
      <Field label="Weight" inputMode="numeric" value={wanted} onChange={setWanted} />
    </Dialog>
  );
}

/** 0 takes the weight back. @throws Error if it is no number. */
function toWeight(text: string): number {
  if (text === '') return 0;
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new Error('a weight is a whole number from 1 to 1,000; leave it empty to take it back');
}

/** As the contract says. */
const RESTART_TIMEOUT_MS = 60_000;

function RestartDialog({ instance: { id }, onClose }: DialogProps) {
  return (
    <Dialog
      title={`Restart ${id}`}
      action="Restart it"
      leave="Leave it"
      onAct={() => consoleService.call('restartInstance', { instanceId: id }, RESTART_TIMEOUT_MS)}
      onClose={onClose}
    >
      <p>
        A new process is started first, then this one is drained, so that no call fails. If the new one doesn’t start,
        this one goes on.
      </p>
    </Dialog>
  );
}
