import { Facts } from '../ui/parts.js';
import { COPIES, type Drafted } from './copy.js';

/** The call as commands and as a link. A click selects one as a whole. */
export const CopyMenu = ({ draft }: { readonly draft: Drafted }) => (
  <details>
    <summary>Copy the call</summary>
    <Facts of={[...COPIES].map(([name, copyOf]) => [name, <pre class="whole">{copyOf(draft)}</pre>] as const)} />
  </details>
);
