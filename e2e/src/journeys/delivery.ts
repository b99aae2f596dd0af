import { describe, expect, it } from '@jest/globals';
import {
  ProjectServiceDefinition,
  ProjectState,
  type WatchProjectResponse,
} from '@rondo/contracts/projects/v1/projects';
import { TaskServiceDefinition } from '@rondo/contracts/projects/v1/tasks';
import { TeamServiceDefinition } from '@rondo/contracts/projects/v1/team';
import { CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import { OrderServiceDefinition, OrderState, type WatchOrdersResponse } from '@rondo/contracts/sales/v1/orders';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { QuoteServiceDefinition, QuoteState } from '@rondo/contracts/sales/v1/quotes';
import { eventually } from '@rondo/harness';
import { createClient, createRegistryChannel } from '@rondo/rpc/client';
import { patientClock } from '../../../packages/rpc/test/support/patient-clock.js';
import { follow } from '../watching.js';
import { system } from './system.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

describe('journey 3: what is sold is delivered', () => {
  it('has an order, a project with tasks and the time of the team; watchers at two replicas see each step in order', async () => {
    const added = [
      system.addInstance('sales', 'sales-2'),
      system.addInstance('project-management', 'project-management-2'),
    ];
    const channel = createRegistryChannel({ registry: [system.registry], clock: patientClock });
    try {
      const [customers, products] = [CustomerServiceDefinition, ProductServiceDefinition] as const;
      const { name: customer } = await createClient(customers, { channel }).createCustomer({
        customer: { displayName: 'Journey', email: 'journey@example.com' },
      });
      const unitPrice = { currencyCode: 'EUR', units: 10n };
      const { name: product } = await createClient(products, { channel }).createProduct({
        product: { title: 'Kit', sku: 'JOURNEY', unitPrice, stock: 5n, deliveryEffortMinutes: 30n },
      });
      const quotes = createClient(QuoteServiceDefinition, { channel });
      const orders = createClient(OrderServiceDefinition, { channel });
      const projects = createClient(ProjectServiceDefinition, { channel });
      const tasks = createClient(TaskServiceDefinition, { channel });
      const team = createClient(TeamServiceDefinition, { channel });

      const ordersAt = (instance: string) =>
        eventually(() => follow((signal) => orders.watchOrders({ customer }, { signal, instance })));
      const sellers = [await ordersAt('sales-1'), await ordersAt('sales-2')];
      const { name: offered } = await quotes.createQuote({
        quote: { customer, lines: [{ product, quantity: 2n }] },
      });
      const metadata = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` };
      const { quote, order } = await quotes.acceptQuote({ name: offered }, { metadata });
      const { name = '', project = '' } = order ?? {};
      expect(quote?.state).toBe(QuoteState.QUOTE_STATE_ACCEPTED);
      // All that the order took is one trace: over both services, their databases and the steps of the transaction.
      const steps = [
        'sales.v1.QuoteService/AcceptQuote',
        'transaction send-prepare',
        'transaction prepare',
        'INSERT projects',
        'PREPARE',
        'transaction send-commit',
        'transaction commit',
        'log-finished',
      ];
      // Once more if an instance doesn't answer in the time that the command gives it.
      await eventually(async () => {
        const { stdout } = await system.rondo('trace', TRACE.slice(0, 12));
        for (const step of steps) expect(stdout).toContain(step);
        expect(stdout.match(/^ *0\.00 /gm)).toHaveLength(1);
      });
      expect((await tasks.listTasks({ parent: project })).tasks).toMatchObject([
        { title: '2 × Kit', effortMinutes: 60n },
      ]);
      const { projects: delivering } = await projects.listProjects({ filter: `order = "${name}"` });
      expect(delivering).toMatchObject([{ name: project, quote: offered, order: name }]);
      const reservations = async () => {
        const filter = `project = "${project}"`;
        return (await team.listReservations({ parent: 'members/-', filter })).reservations;
      };
      expect((await reservations()).reduce((sum, { minutes }) => sum + minutes, 0n)).toBe(60n);

      const projectAt = (instance: string) =>
        eventually(() => follow((signal) => projects.watchProject({ name: project }, { signal, instance })));
      const deliverers = [await projectAt('project-management-1'), await projectAt('project-management-2')];
      await projects.updateProject({
        project: { name: project, state: ProjectState.PROJECT_STATE_ACTIVE },
        updateMask: ['state'],
      });
      await orders.cancelOrder({ name });
      for (const { until } of sellers) await until((event) => stepOfOrder(event).startsWith('ORDER_STATE_CANCELLED'));
      for (const { until } of deliverers) await until((event) => stepOfProject(event) === 'PROJECT_STATE_ARCHIVED');
      expect(await reservations()).toEqual([]);
      const { stockChanges } = await createClient(products, { channel }).listStockChanges({ parent: product });
      expect(stockChanges.map(({ delta, stock, reference }) => [delta, stock, reference])).toEqual([
        [2n, 5n, name],
        [-2n, 3n, name],
        [5n, 5n, ''],
      ]);

      for (const { received, stop } of sellers) {
        await stop();
        expect(received.map(stepOfOrder)).toEqual([
          '0 orders',
          'ORDER_STATE_PLACED ',
          `ORDER_STATE_PLACED ${project}`,
          `ORDER_STATE_CANCELLED ${project}`,
        ]);
      }
      for (const { received, stop } of deliverers) {
        await stop();
        // The active project goes back to planned, and then to the archive.
        expect(received.map(stepOfProject)).toEqual([
          'PROJECT_STATE_PLANNED with 1 tasks',
          'PROJECT_STATE_ACTIVE',
          'PROJECT_STATE_PLANNED',
          'PROJECT_STATE_ARCHIVED',
        ]);
      }
    } finally {
      channel.close();
      await Promise.all(added.map((instance) => instance.stop()));
    }
  });
});

function stepOfOrder({ event }: WatchOrdersResponse): string {
  if (event?.$case !== 'orderChanged') return `${event?.value.orders.length} orders`;
  return `${OrderState[event.value.state]} ${event.value.project}`;
}

function stepOfProject({ event }: WatchProjectResponse): string {
  if (event?.$case === 'projectChanged') return ProjectState[event.value.state];
  if (event?.$case !== 'snapshot') return `${event?.$case}`;
  const { project, tasks } = event.value;
  return `${ProjectState[project?.state ?? ProjectState.UNRECOGNIZED]} with ${tasks.length} tasks`;
}
