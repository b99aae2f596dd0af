import { useState } from 'preact/hooks';
import { consoleService } from '../access.js';
import { Dialog } from '../page/dialog.js';
import { Field } from '../page/form.js';
import type { Instance } from './watch.js';

interface DialogProps {
  readonly instance: Instance;
  readonly onClose: () => void;
}

/** Says what draining or uncordoning an instance does, and does it. */
export function CordonDialog({ instance: { id, state }, onClose }: DialogProps) {
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
