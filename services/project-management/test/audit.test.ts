import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Any } from '@rondo/contracts/google/protobuf/any';
import { DeliverProjectRequest } from '@rondo/contracts/projects/v1/delivery';
import { eventually } from '@rondo/database/testing';
import { failureOf } from '@rondo/rpc/testing';
import { addMember, type Company, startCompany } from './company.js';

let company: Company;
let ada: ReturnType<Company['as']>;
beforeAll(async () => {
  company = await startCompany(undefined, 'on');
  const member = { displayName: 'Ada', email: 'ada@example.com', subject: 'ada', team: 'north' };
  await company.team.createMember({ member });
  ada = company.as('ada', 'projects.read', 'projects.write');
});
afterAll(() => company.stop());

async function lines(filter: string): Promise<readonly string[]> {
  const { events } = await company.audit.listAuditEvents({ filter });
  return events.map(({ method, resource, code }) => `${method.split('/').at(-1)} ${resource} ${code}`).reverse();
}

it('has the effects of a member, each with its resource, and the refusals', async () => {
  const { name } = await ada.projects.createProject({ project: { title: 'Website' } });
  const { name: task } = await ada.tasks.createTask({ parent: name, task: { title: 'Draw' } });
  const batch = { parent: name, requests: [{ task: { title: 'A' } }, { task: { title: 'B' } }] };
  await ada.tasks.batchCreateTasks(batch);
  await ada.tasks.deleteTask({ name: task });
  const foreign = await company.projects.createProject({ project: { title: 'Theirs', team: 'south' } });
  await failureOf(ada.projects.getProject({ name: foreign.name }));
  await failureOf(ada.tasks.listTasks({ parent: foreign.name }));
  await failureOf(ada.team.deleteMember({ name: await addMember(company) }));
  await failureOf(ada.projects.getProject({ name: 'projects/none' }));
  await eventually('the refusals are written', async () => (await lines('subject = "ada" AND code != 0')).length >= 3);
  const found = await lines('subject = "ada"');
  expect(found).toEqual([
    `CreateProject ${name} 0`,
    `CreateTask ${task} 0`,
    `BatchCreateTasks ${name} 0`,
    `DeleteTask ${task} 0`,
    `GetProject ${foreign.name} 5`,
    `ListTasks ${foreign.name} 5`,
    expect.stringMatching(/^DeleteMember members\/\w+ 7$/),
  ]);
});

it('has a branch of a distributed transaction once it is committed, and no aborted one', async () => {
  for (const [projectId, end] of [
    ['kept', 'commit'],
    ['dropped', 'abort'],
  ] as const) {
    const request = DeliverProjectRequest.fromPartial({ projectId, project: { title: 'Sold' } });
    const value = Buffer.from(DeliverProjectRequest.encode(request).finish());
    const operation = Any.fromPartial({ typeUrl: 'type.googleapis.com/projects.v1.DeliverProjectRequest', value });
    const transaction = { coordinator: 'sales', id: projectId };
    await company.participant.prepare({ transaction, operation });
    expect(await lines(`resource = "projects/${projectId}"`)).toEqual([]);
    await company.participant[end]({ transaction });
  }
  expect(await lines('resource = "projects/kept"')).toEqual(['Prepare projects/kept 0']);
  expect(await lines('resource = "projects/dropped"')).toEqual([]);
});
