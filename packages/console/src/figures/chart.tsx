import { useEffect, useRef, useState } from 'preact/hooks';
import type { Tone } from '../ui/parts.js';
import { formatTime, ZONE } from '../ui/text.js';
import type { createPlot, Lines } from './plot.js';
import { type Figures, type Scope, type Step, tracesBetween } from './read-figures.js';

/** One line of a chart. */
export interface Line {
  readonly name: string;
  readonly tone: Tone | 'accent' | 'quiet';
  readonly of: (step: Step) => number | undefined;
}

interface ChartProps {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  readonly figures: Figures;
  readonly scope: Scope;
  /** Whether the last step isn't the present one. */
  readonly isOver: boolean;
}

/** A step has what instances answered last: the calls may have ended up to two steps before it. */
const LAG_STEPS = 3;

/** Figures over time. A click, and the link to the highest value, lead to the traces of that time. */
export function Chart({ title, lines, format, figures, scope, isOver }: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const legend = useRef<HTMLParagraphElement>(null);
  const [plot, setPlot] = useState<ReturnType<typeof createPlot>>();
  const { steps, stepMs } = figures;
  const tracesBefore = (unixMs: number) => tracesBetween(unixMs - LAG_STEPS * stepMs, unixMs, scope);
  useEffect(() => {
    let made: typeof plot;
    let isGone = false;
    void import('./plot.js').then((drawing) => {
      if (isGone || host.current === null || legend.current === null) return;
      const colours = [...legend.current.querySelectorAll('i')];
      made = drawing.createPlot(host.current, { colours, format });
      setPlot(made);
    });
    return () => {
      isGone = true;
      made?.close();
    };
  }, []);
  useEffect(() => plot?.show(linesOf(figures, lines)), [plot, steps]);
  const last = isOver ? undefined : steps.at(-1);
  const watched = lines.at(-1);
  const watchedIn = (step: Step | undefined) => (step && watched?.of(step)) ?? 0;
  const most = steps.toSorted((one, other) => watchedIn(other) - watchedIn(one))[0];
  return (
    <figure class="card chart">
      <figcaption>
        <h3>{title}</h3>
        <p ref={legend}>
          {lines.map(({ name, tone, of }) => (
            <span key={name}>
              <i class={tone} /> {name} <strong>{value(last && of(last), format)}</strong>
            </span>
          ))}
        </p>
      </figcaption>
      {/* biome-ignore lint/a11y: the link below is for the keyboard. */}
      <div
        ref={host}
        class="plot"
        onClick={() => {
          const at = plot?.pointedAt;
          if (at !== undefined) location.hash = tracesBefore(at * 1_000);
        }}
      />
      {most?.unixMs !== undefined && watchedIn(most) > 0 ? (
        <a href={tracesBefore(most.unixMs)}>
          Most {watched?.name}: {format(watchedIn(most))} at {formatTime(most.unixMs)} {ZONE}
        </a>
      ) : (
        <small>{watched?.name}: none in this time</small>
      )}
    </figure>
  );
}

const value = (figure: number | undefined, format: (value: number) => string) =>
  figure === undefined ? '–' : format(figure);

/** The values of each line; a step that is missing is a gap. */
function linesOf({ steps, stepMs }: Figures, lines: readonly Line[]): Lines {
  const all: (Step | undefined)[] = [];
  const times: number[] = [];
  for (const step of steps) {
    const { unixMs = 0 } = step;
    const before = times.at(-1);
    if (before !== undefined && unixMs / 1_000 - before > (1.5 * stepMs) / 1_000) {
      times.push(before + stepMs / 1_000);
      all.push(undefined);
    }
    times.push(unixMs / 1_000);
    all.push(step);
  }
  return [times, ...lines.map(({ of }) => all.map((step) => (step && of(step)) ?? null))];
}
