import { useEffect, useRef, useState } from 'preact/hooks';
import { type BoardTask, COLUMNS, type Column, MOVES, wordOf } from './words.js';

interface ColumnsProps {
  readonly tasks: readonly BoardTask[];
  readonly onMove: (task: BoardTask, to: Column) => void;
  readonly onRename: (task: BoardTask) => void;
}

/** The page has a bounded number of elements, however many tasks there are. */
const MAX_CARDS = 40;

/** The tasks by their states. They are moved by the mouse, or by the buttons of each. */
export function Columns({ tasks, onMove, onRename }: ColumnsProps) {
  const [dragged, setDragged] = useState<BoardTask>();
  /** The task that a person has moved: the focus goes with it. */
  const moved = useRef('');
  const byColumn = new Map(COLUMNS.map((column) => [column, tasks.filter(({ state }) => state === column).reverse()]));
  const move = (task: BoardTask, to: Column) => {
    moved.current = task.name ?? '';
    onMove(task, to);
  };
  useEffect(() => {
    const card = document.getElementById(moved.current);
    // The button that was pressed is gone with the card's earlier place.
    if (card === null || document.activeElement !== document.body) return;
    card.focus();
    moved.current = '';
  }, [tasks]);
  const takes = (column: Column) => dragged !== undefined && movesOf(dragged).some(([to]) => to === column);
  return (
    <div class="board">
      {COLUMNS.map((column) => {
        const cards = byColumn.get(column) ?? [];
        return (
          <section
            key={column}
            aria-label={wordOf(column)}
            class={takes(column) ? 'takes' : undefined}
            onDragOver={(event) => takes(column) && event.preventDefault()}
            onDrop={(event) => {
              event.preventDefault();
              if (dragged && takes(column)) move(dragged, column);
              setDragged(undefined);
            }}
          >
            <h3>
              {wordOf(column)} <small>{cards.length}</small>
            </h3>
            <ul>
              {cards.slice(0, MAX_CARDS).map((task) => (
                <Card
                  key={task.name}
                  task={task}
                  onMove={(to) => move(task, to)}
                  onRename={() => onRename(task)}
                  onDrag={setDragged}
                />
              ))}
            </ul>
            {cards.length > MAX_CARDS && (
              <p>
                The newest {MAX_CARDS} of {cards.length}: narrow them by a word above.
              </p>
            )}
          </section>
        );
      })}
    </div>
  );
}

const movesOf = ({ state }: BoardTask) => MOVES[COLUMNS.find((one) => one === state) ?? 'TASK_STATE_CANCELLED'];

interface CardProps {
  readonly task: BoardTask;
  readonly onMove: (to: Column) => void;
  readonly onRename: () => void;
  readonly onDrag: (task: BoardTask | undefined) => void;
}

function Card({ task, onMove, onRename, onDrag }: CardProps) {
  const { name, title } = task;
  const moves = movesOf(task);
  return (
    <li
      id={name}
      tabIndex={-1}
      draggable={moves.length > 0}
      onDragStart={() => onDrag(task)}
      onDragEnd={() => onDrag(undefined)}
    >
      <span>{title}</span>
      <div>
        {moves.map(([to, word]) => (
          <button key={to} type="button" aria-label={`${word} ${title}`} onClick={() => onMove(to)}>
            {word}
          </button>
        ))}
        <button type="button" aria-label={`Rename ${title}`} onClick={onRename}>
          Rename
        </button>
      </div>
    </li>
  );
}
