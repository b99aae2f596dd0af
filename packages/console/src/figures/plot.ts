/** Draws lines over time. It is loaded with the first chart. */
import uPlot from 'uplot';

/** What is drawn: the times in seconds, then the values of each line. A gap is null. */
export type Lines = [number[], ...(number | null)[][]];

interface PlotOptions {
  /** Elements whose colour each line has. */
  readonly colours: readonly Element[];
  /** A value with its unit. */
  readonly format: (value: number) => string;
}

const HOURS = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const HEIGHT = 150;
const [LEAST_SECONDS, HOUR_SECONDS] = [300, 3_600];
/** All charts of a page show the same time below the mouse. */
const SYNC = 'figures';
const FONT = '11px system-ui';

/** The values between two gaps, which no line shows. */
const alone = ({ data }: uPlot, line: number) => {
  const values = data[line] ?? [];
  const isGap = (at: number) => values[at] === null || values[at] === undefined;
  return [...values.keys()].filter((at) => !isGap(at) && isGap(at - 1) && isGap(at + 1));
};

/** Draws into an element, in its width. */
export function createPlot(host: HTMLElement, { colours, format }: PlotOptions) {
  const colourOf = (element: Element) => () => getComputedStyle(element).color;
  const faint = { stroke: () => `color-mix(in srgb, ${getComputedStyle(host).color} 25%, transparent)`, width: 1 };
  const axis = { stroke: colourOf(host), font: FONT, grid: { show: false }, ticks: { show: false } };
  const plot = new uPlot(
    {
      width: host.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { sync: { key: SYNC }, drag: { x: false }, y: false },
      scales: {
        x: { range: (_, first, last) => [Math.max(last - HOUR_SECONDS, Math.min(first, last - LEAST_SECONDS)), last] },
        y: { range: (_, least, most) => [Math.min(0, least), Math.max(most * 1.1, 1)] },
      },
      axes: [
        { ...axis, space: 70, size: 26, values: (_, seconds) => seconds.map((one) => HOURS.format(one * 1_000)) },
        { ...axis, grid: faint, size: 60, space: 32, values: (_, values) => values.map(format) },
      ],
      series: [
        {},
        ...colours.map((element) => ({
          stroke: colourOf(element),
          width: 1.75,
          points: { show: false, filter: alone },
        })),
      ],
    },
    [[]],
    host,
  );
  const resizing = new ResizeObserver(() => plot.setSize({ width: host.clientWidth, height: HEIGHT }));
  resizing.observe(host);
  return {
    show: (lines: Lines) => plot.setData(lines),
    /** The time below the mouse, in seconds; undefined if it is elsewhere. */
    get pointedAt() {
      const { idx } = plot.cursor;
      return typeof idx === 'number' ? plot.data[0][idx] : undefined;
    },
    close() {
      resizing.disconnect();
      plot.destroy();
    },
  };
}
