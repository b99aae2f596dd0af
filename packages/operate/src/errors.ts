import { didYouMean } from '@rondo/rpc/internal';
import { defineErrors, RpcError } from '@rondo/rpc/status';

/** What an operator is refused. */
export const operateErrors = defineErrors('the console or `rondo`', {
  NO_INSTANCE: {
    code: 'NOT_FOUND',
    text: '{noneIsCalledSo} {known}',
    cause: 'An operator names an instance that has left or never was.',
    remedy: 'Choose one of those that `rondo ps` and the console list.',
  },
  LAST_INSTANCE: {
    code: 'FAILED_PRECONDITION',
    text: 'without {ids} no instance serves {services}: every call of it would fail; start another instance first{orForce}',
    cause: 'An operator asks to cordon the last instance of a service.',
    remedy: 'Start another instance first, or use `rondo cordon --force`.',
  },
  NOT_RESTARTABLE: {
    code: 'FAILED_PRECONDITION',
    text: '{instanceId} is not restarted here; use ./rondo restart, docker compose restart or kubectl rollout restart',
    cause: 'The console asks to restart an instance, and `npm start` does not run this system, or it is the gateway that is asked.',
    remedy: 'Restart it by the tool that has started it.',
  },
  RESTART_FAILED: {
    code: 'FAILED_PRECONDITION',
    text: 'it is not restarted: {reason}',
    cause: 'The new process of an instance did not become ready. The old one goes on.',
    remedy: 'Correct what the reason and the log of the instance name, and restart it again.',
  },
  REGISTRY_REFUSES: {
    code: 'FAILED_PRECONDITION',
    text: 'the registry refuses it: {reason}',
    cause: 'The console asks to cordon or weigh an instance, and the registry says why it may not be.',
    remedy: 'Do what the reason says.',
  },
  NO_REGISTRY: {
    code: 'FAILED_PRECONDITION',
    text: "this system has no registry of Rondo's, so there are no cordons and no settings; use the tools of the registry that it has",
    cause: 'The console asks the registry, and `RONDO_REGISTRY` names Kubernetes, ZooKeeper, Consul or Eureka.',
    remedy: 'Use `kubectl delete pod`, `consul maint` or the status OUT_OF_SERVICE of Eureka to take an instance out, and variables to change what services read.',
  },
  REGISTRY_AWAY: {
    code: 'UNAVAILABLE',
    text: "the registry at {addresses} can't be reached ({reason}); start it (npm start), or say where it is with --registry or RONDO_REGISTRY",
    cause: 'The registry is not running, or not where the option or the variable says.',
    remedy: 'Do what the text says.',
  },
  NOT_A_REGISTRY: {
    code: 'UNIMPLEMENTED',
    text: 'what answers at {addresses} is no registry ({reason}); say where it is with --registry or RONDO_REGISTRY',
    cause: 'Another server has the address that the option or the variable names.',
    remedy: 'Do what the text says.',
  },
  TOO_MANY_QUESTIONS: {
    code: 'RESOURCE_EXHAUSTED',
    text: 'pages watch traces, logs, transactions or jobs as often as they may: {most} in all, and one operator has half of what is free; close a tab',
    cause: 'Each open page of the console that asks all instances takes one of these places.',
    remedy: 'Close pages that are not looked at.',
  },
  NOTHING_UNFINISHED: {
    code: 'NOT_FOUND',
    text: 'nothing unfinished has an id that begins with "{begin}"{away}',
    cause: 'An operator names a transaction or a saga that has ended, or that only a process knows which could not be asked.',
    remedy: 'Choose one of those that `rondo tx ls` lists.',
  },
  SEVERAL_UNFINISHED: {
    code: 'FAILED_PRECONDITION',
    text: '{count} ids begin with "{begin}"; rondo tx ls lists them',
    cause: 'An operator has shortened an id too much.',
    remedy: 'Give more of the id.',
  },
  NOTHING_IN_DOUBT: {
    code: 'FAILED_PRECONDITION',
    text: 'no participant that could be asked is in doubt about {id}: there is nothing to end',
    cause: 'An operator forces the end of a transaction whose participants have ended it.',
    remedy: 'None: the participants hold no locks for it.',
  },
  NEEDS_FORCE: {
    code: 'FAILED_PRECONDITION',
    text: '{reason}. Nothing was done. To end it at the participants in doubt all the same: --force',
    cause: 'The outcome that an operator wants would, or might, contradict the decision of the coordinator.',
    remedy: 'Wait for the coordinator. Use --force only if it is lost for good.',
  },
  SAGA_PARKED: {
    code: 'FAILED_PRECONDITION',
    text: "{instanceId} can't run {id}: {reason}",
    cause: 'An operator asks a replica to go on with a saga, and the replica has no such steps.',
    remedy: 'Start a replica of the version that began the saga.',
  },
});

/** Why a call failed. The message of the last attempt says more than that no instance could be reached. */
export function reasonOf(thrown: unknown): string {
  const attempt = thrown instanceof RpcError ? thrown.report?.attempts.at(-1)?.message : undefined;
  // It may come from another realm, as errors of Node do in tests.
  const message = typeof thrown === 'object' && thrown !== null && 'message' in thrown ? thrown.message : thrown;
  // That of an attempt which the deadline has ended is empty.
  return attempt || String(message);
}

const NAMED = 10;

/** The error that some of the ids aren't among the known ones. It suggests similar ids. */
export function noInstance(ids: readonly string[], known: readonly string[], warming = false): RpcError {
  const missing = ids.map((id) => `no instance "${id}" is registered.${didYouMean(id, known)}`).join(' ');
  const rest = known.length > NAMED ? ` and ${known.length - NAMED} more, which rondo ps lists` : '';
  const named = known.length === 0 ? 'There is none at all' : `There are: ${known.slice(0, NAMED).join(', ')}${rest}`;
  const note = warming ? '. The registry has only just started: it may still come back' : '';
  return operateErrors.NO_INSTANCE({ noneIsCalledSo: missing, known: `${named}${note}` });
}
