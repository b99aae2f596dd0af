import { useStream } from '../calls/use-stream.js';
import type { Stream } from '../calls/watch.js';
import { Empty } from '../ui/parts.js';
import { figure, formatDate, latencyOf, share } from '../ui/text.js';
import { Chart, type Line } from './chart.js';
import { type Figures, type Scope, type Step, takeFigures } from './read-figures.js';

interface ChartOf {
  readonly title: string;
  readonly format: (value: number) => string;
  readonly lines: readonly Line[];
  /** Whether only the system and instances have it. */
  readonly isOfProcesses?: boolean;
}

const line = (name: string, tone: Line['tone'], of: (step: Step) => number | undefined): Line => ({ name, tone, of });

const CHARTS: readonly ChartOf[] = [
  {
    title: 'Calls',
    format: (value) => `${figure(value)}/s`,
    lines: [
      line('answered', 'accent', ({ callsPerSecond = 0 }) => callsPerSecond),
      line('refused', 'warn', ({ refusedPerSecond = 0 }) => refusedPerSecond),
      line('errors', 'fault', ({ errorsPerSecond = 0 }) => errorsPerSecond),
    ],
  },
  {
    title: 'Duration',
    format: latencyOf,
    lines: [line('p50', 'good', ({ p50Ms }) => p50Ms), line('p99', 'accent', ({ p99Ms }) => p99Ms)],
  },
  {
    title: 'Calls at once',
    format: figure,
    lines: [
      line('waiting', 'warn', ({ callsQueued = 0 }) => callsQueued),
      line('in flight', 'accent', ({ callsInFlight = 0 }) => callsInFlight),
    ],
  },
  {
    title: 'Event loop',
    format: share,
    isOfProcesses: true,
    lines: [line('busy', 'accent', ({ eventLoopBusy = 0 }) => eventLoopBusy)],
  },
  {
    title: 'Database connections',
    format: figure,
    isOfProcesses: true,
    lines: [
      line('waits', 'warn', ({ connectionWaits = 0 }) => connectionWaits),
      line('in use', 'accent', ({ connectionsUsed = 0 }) => connectionsUsed),
    ],
  },
];

/** Follows what the gateway keeps of the last hour. */
export const useFigures = ({ service = '', method = '', instanceId = '' }: Scope): Stream<Figures> =>
  useStream({ method: 'watchFigures', request: { service, method, instanceId }, take: takeFigures });

interface FiguresProps {
  readonly figures: Figures | undefined;
  readonly scope: Scope;
  /** Whether no figures are to come, as the instance is lost. */
  readonly isOver?: boolean;
}

/** The charts of the system, a service, a method or an instance. */
export function FiguresView({ figures, scope, isOver = false }: FiguresProps) {
  if (figures === undefined) return <p class="quiet">Reading the figures …</p>;
  const { gateway, sinceMs, stepMs, steps } = figures;
  const kept = `Each ${stepMs / 1_000} s of the last hour, as ${gateway || 'this gateway'} has kept it since ${formatDate(new Date(sinceMs).toISOString())}.`;
  if (steps.length === 0)
    return <Empty what="No figures yet" hint={`${kept} The first ones are here a few seconds after a call.`} />;
  return (
    <>
      <div class="cards wide">
        {CHARTS.filter(({ isOfProcesses = false }) => !isOfProcesses || !scope.service).map((chart) => (
          <Chart key={chart.title} {...chart} figures={figures} scope={scope} isOver={isOver} />
        ))}
      </div>
      <p class="quiet">{kept} A click into a chart shows the slowest calls of that time.</p>
    </>
  );
}
