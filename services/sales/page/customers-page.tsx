import { Field, Form, LiveTable } from '@rondo/console/page';
import { useState } from 'preact/hooks';
import { customers } from './services.js';

async function* watch(signal: AbortSignal) {
  for await (const { snapshot, customerChanged } of customers.watch('watchCustomers', {}, signal)) {
    if (snapshot) yield { items: snapshot.customers ?? [], more: snapshot.more === true };
    if (customerChanged) yield { items: [customerChanged] };
  }
}

/** The customers. */
export const CustomersPage = () => (
  <LiveTable
    title="Customers"
    watch={watch}
    textOf={({ displayName = '', email = '' }) => `${displayName} ${email}`}
    columns={[
      ['Name', ({ displayName }) => displayName],
      ['E-mail', ({ email }) => email],
      ['Do', ({ name, displayName }) => <a href={`#/${name}`}>New quote for {displayName}</a>],
    ]}
    empty="There is no customer yet: add one above."
  >
    <NewCustomer />
  </LiveTable>
);

function NewCustomer() {
  const [displayName, setDisplayName] = useState('');
  const [email, setEmail] = useState('');
  const create = async () => {
    await customers.call('createCustomer', { customer: { displayName, email } });
    setDisplayName('');
    setEmail('');
  };
  return (
    <Form action="Add the customer" onAct={create}>
      <Field label="Name" required={true} maxLength={200} value={displayName} onChange={setDisplayName} />
      <Field label="E-mail" required={true} inputMode="email" maxLength={254} value={email} onChange={setEmail} />
    </Form>
  );
}
