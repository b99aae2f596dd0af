// The ratios to the base as bars, a panel for each workload. A bar to the right of the line is faster than the base.
import { picture, round } from '../report/svg.mjs';
import { BASE } from './contenders.mjs';

const COLUMNS = 2;
const PANEL = { width: 400, label: 108, value: 44, gap: 24 };
const ROW = 15;
const HEAD = 26;
const TOP = 56;
const STYLE =
  '.bar{fill:#8a8f98}.ours{fill:#1b7f79}.spread{stroke:#c2571a;stroke-width:2}.one{stroke:#777}.small{font-size:11px}.head{font-weight:bold}';

/**
 * @param data as report.mjs has it: `contenders` and `workloads`, each with its `summaries`.
 */
export function peersChart({ contenders, workloads }) {
  const titles = new Map(contenders.map(({ name, title }) => [name, title]));
  const panels = workloads.map(({ title, summaries }) => ({
    title,
    rows: summaries.filter(({ contender, ratio }) => contender !== BASE && ratio !== undefined),
  }));
  const rows = Math.max(0, ...panels.map((panel) => panel.rows.length));
  const panelHeight = HEAD + rows * ROW + PANEL.gap;
  const scale = scaleOf(panels.flatMap((panel) => panel.rows));
  const drawn = panels.flatMap((panel, index) =>
    drawPanel(panel, {
      titles,
      scale,
      left: PANEL.gap + (index % COLUMNS) * (PANEL.width + PANEL.gap),
      top: TOP + Math.floor(index / COLUMNS) * panelHeight,
    }),
  );
  const title = 'Operations a second against plain grpc-js';
  const legend =
    'Plain grpc-js with proto-loader is the line at 1. The scale is logarithmic. Lines across bars: least to greatest. Rondo, memory: both ends in one process.';
  return picture(title, {
    width: COLUMNS * (PANEL.width + PANEL.gap) + PANEL.gap,
    height: TOP + Math.ceil(panels.length / COLUMNS) * panelHeight,
    style: STYLE,
    drawn: [
      `<text class="title" x="${PANEL.gap}" y="22">${title}</text>`,
      `<text class="small" x="${PANEL.gap}" y="40">${legend}</text>`,
      ...drawn,
    ],
  });
}

/** Gives the x of a ratio within a panel. The least and greatest ratio of all panels reach the ends of the bars' room. */
function scaleOf(rows) {
  const logs = rows.flatMap(({ low, high }) => [Math.log2(low), Math.log2(high)]);
  const least = Math.min(-1, ...logs);
  const greatest = Math.max(1, ...logs);
  const room = PANEL.width - PANEL.label - PANEL.value;
  return (ratio) => round(PANEL.label + (room * (Math.log2(ratio) - least)) / (greatest - least));
}

function drawPanel({ title, rows }, { titles, scale, left, top }) {
  const one = left + scale(1);
  const bottom = top + HEAD + rows.length * ROW;
  return [
    `<text class="head" x="${left}" y="${top + 14}">${title}</text>`,
    ...rows.flatMap((row, index) =>
      drawBar(row, { title: titles.get(row.contender), scale, left, top: top + HEAD + index * ROW }),
    ),
    `<line class="one" x1="${one}" x2="${one}" y1="${top + HEAD - 4}" y2="${bottom}"/>`,
  ];
}

function drawBar({ contender, ratio, low, high, noise }, { title, scale, left, top }) {
  const [from, to] = [Math.min(scale(1), scale(ratio)), Math.max(scale(1), scale(ratio))];
  const middle = top + ROW / 2;
  return [
    `<text class="small" x="${left}" y="${top + 11}">${title}</text>`,
    `<rect class="${contender.startsWith('rondo') ? 'ours' : 'bar'}" x="${round(left + from)}" y="${top + 2}" width="${round(to - from)}" height="${ROW - 4}"/>`,
    `<line class="spread" x1="${round(left + scale(low))}" x2="${round(left + scale(high))}" y1="${middle}" y2="${middle}"/>`,
    `<text class="small" x="${left + PANEL.width}" y="${top + 11}" text-anchor="end">${noise ? '≈ ' : ''}${ratio.toFixed(2)}</text>`,
  ];
}
