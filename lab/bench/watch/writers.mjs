import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { TaskServiceDefinition } from '@rondo/contracts/projects/v1/tasks';
import { createClient, createRegistryChannel } from '@rondo/rpc/client';

const TASKS = 10;
const TICK_MS = 5;
/** If more than this are under way at once, the system doesn't keep up. */
const MAX_UNDER_WAY = 2_000;

/** Milliseconds of a clock that all processes of a machine share. */
export const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

/** When the change with this title was written. See `nowMs`. */
export const writtenAt = (title) => Number(title.split(' ')[1]);

/** A title that no other change has, with the time at which it is written. */
const titleOf = (number) => `${number} ${nowMs()}`;

/** Makes projects, and changes their tasks. */
export function createWriters(registry) {
  const channel = createRegistryChannel({ registry: [registry] });
  const projects = createClient(ProjectServiceDefinition, { channel });
  const tasks = createClient(TaskServiceDefinition, { channel });
  return {
    /** Makes projects with ten tasks each; gives the names of the tasks by project. */
    async makeProjects(count) {
      const made = new Map();
      for (let number = 1; number <= count; number += 1) {
        const firstTasks = Array.from({ length: TASKS }, () => ({ title: titleOf(0) }));
        const { name } = await projects.createProject({ project: { title: `Watched ${number}` }, tasks: firstTasks });
        const listed = await tasks.listTasks({ parent: name });
        made.set(
          name,
          listed.tasks.map((task) => task.name),
        );
      }
      return made;
    },
    /** Makes `changes` changes a second of tasks drawn at random, whether or not earlier ones are done (an open loop). */
    async write(names, { changes, seconds }) {
      const outcomes = { done: [], unknown: [], codes: {} };
      const underWay = new Set();
      const writeOne = (number) => {
        const title = titleOf(number);
        const name = names[Math.floor(Math.random() * names.length)];
        const writing = tasks.updateTask({ task: { name, title }, updateMask: ['title'] }).then(
          () => void outcomes.done.push(title),
          (error) => {
            const code = error.codeName ?? 'THROWN';
            outcomes.unknown.push(title);
            outcomes.codes[code] = (outcomes.codes[code] ?? 0) + 1;
            outcomes.example ??= error.message;
          },
        );
        underWay.add(writing);
        void writing.then(() => underWay.delete(writing));
      };
      await openLoop({ rate: changes, seconds }, (number) => {
        if (underWay.size >= MAX_UNDER_WAY)
          throw new Error(`${underWay.size} changes are under way: the system doesn't keep up`);
        writeOne(number);
      });
      await Promise.all(underWay);
      return outcomes;
    },
    close: () => channel.close(),
  };
}

function openLoop({ rate, seconds }, act) {
  const beginAt = performance.now();
  let number = 0;
  return new Promise((resolve, reject) => {
    const timer = setInterval(() => {
      try {
        const due = Math.min(rate * seconds, ((performance.now() - beginAt) / 1000) * rate);
        while (number < due) {
          number += 1;
          act(number);
        }
        if (number < rate * seconds) return;
        clearInterval(timer);
        resolve();
      } catch (error) {
        clearInterval(timer);
        reject(error);
      }
    }, TICK_MS);
  });
}
