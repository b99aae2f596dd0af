import type { DescService } from '@bufbuild/protobuf';
import { commentOf, splitComment } from '@rondo/schema/form';
import { useState } from 'preact/hooks';
import { useWatch } from '../calls/watch.js';
import { type Contracts, callersOf, loadContracts } from '../contracts/load.js';
import { Paragraphs } from '../contracts/prose.js';
import { ConnectionLine } from '../page/connection-line.js';
import { Field } from '../page/form.js';
import { pathOf } from './copy.js';
import { MethodPage } from './method-page.js';

async function* openContracts(signal: AbortSignal) {
  yield await loadContracts(signal);
}

/** The services and methods that can be called, and the one that the address names: `#/methods/sales.v1.OrderService/PlaceOrder`. */
export function ContractsPage({ name }: { readonly name: string }) {
  const [word, setWord] = useState('');
  const take = (_: unknown, contracts: Contracts) => contracts;
  const { data: loaded, connection } = useWatch({ open: openContracts, key: '', take, ends: true });
  if (loaded === undefined)
    return (
      <div class="page">
        <ConnectionLine connection={connection} />
      </div>
    );
  const method = loaded.services.flatMap(({ methods }) => methods).find((one) => pathOf(one) === `/${name}`);
  const service = loaded.services.find(({ typeName }) => typeName === name);
  return (
    <div class="columns">
      <nav aria-label="Methods">
        <Field label="Find a method" inputMode="search" value={word} onChange={setWord} />
        {loaded.services.map((one) => (
          <ServiceLinks key={one.typeName} service={one} current={name} word={word.trim().toLowerCase()} />
        ))}
      </nav>
      <div class="page">
        {method && <MethodPage key={name} contracts={loaded} method={method} />}
        {service && <ServicePage contracts={loaded} service={service} />}
        {!method && !service && <Introduction name={name} services={loaded.services.length} />}
      </div>
    </div>
  );
}

function Introduction({ name, services }: { readonly name: string; readonly services: number }) {
  if (name !== '') return <p>No service that runs has {name}.</p>;
  if (services > 0) return <p>Choose a method to see its contract, and to call it.</p>;
  return <p>No public service is known yet. Start one, and come back to this page.</p>;
}

interface ServiceLinksProps {
  readonly service: DescService;
  readonly current: string;
  /** Only methods with it in their names are listed. */
  readonly word: string;
}

function ServiceLinks({ service, current, word }: ServiceLinksProps) {
  const methods = service.methods.filter((method) => pathOf(method).toLowerCase().includes(word));
  const isOpen = word !== '' || current.startsWith(service.typeName);
  if (methods.length === 0 && word !== '') return null;
  const link = (name: string, text: string) => (
    <a href={`#/methods/${name}`} aria-current={current === name ? 'page' : undefined}>
      {text}
    </a>
  );
  return (
    <details open={isOpen}>
      <summary>{service.typeName}</summary>
      <ul>
        <li>{link(service.typeName, 'about')}</li>
        {methods.map((method) => (
          <li key={method.name}>{link(pathOf(method).slice(1), method.name)}</li>
        ))}
      </ul>
    </details>
  );
}

function ServicePage({ contracts, service }: { readonly contracts: Contracts; readonly service: DescService }) {
  return (
    <>
      <h2>{service.typeName}</h2>
      <Paragraphs text={commentOf(service)} />
      <dl>
        {service.methods.map((method) => (
          <div key={method.name}>
            <dt>
              <a href={`#/methods/${pathOf(method).slice(1)}`}>{method.name}</a>
            </dt>
            <dd>
              {splitComment(commentOf(method)).summary} {callersOf(contracts, method)}
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}
