/** Templates in the manner of published models, and some that use what templates rarely do. */
export const TEMPLATES: Readonly<Record<string, string>> = {
  chatml: `{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}`,
  'headers with trimmed contents': `{{- bos_token }}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|system|>\\n" + system_message + "<|end|>" }}
{%- for message in messages %}
    {{- '<|' + message.role + '|>\\n' + message.content | trim + '<|end|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|assistant|>\\n' }}
{%- endif %}`,
  'instructions, roles in turn or an error': `{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}`,
  'blocks on lines of their own': `{# whitespace control is the point here #}
{% for message in messages %}
  {% if not loop.first %}

  {% endif %}
  {%- if loop.last %} last: {% endif %}
{{ message.role }}: {{ message.content }}
{% endfor %}
{% if add_generation_prompt %}
assistant:
{% endif %}`,
  'namespace, loop controls and generation': `{%- set ns = namespace(users=0) -%}
{%- for message in messages -%}
{%- if message.role == 'tool' -%}{%- continue -%}{%- endif -%}
{%- if message.role == 'user' -%}{%- set ns.users = ns.users + 1 -%}{%- endif -%}
{%- if ns.users > 2 -%}{%- break -%}{%- endif -%}
{%- if message.role == 'assistant' -%}{% generation %}{{ message.content }}{{ eos_token }}{% endgeneration %}
{%- else -%}[{{ ns.users }}] {{ message.content }}{%- endif -%}
{%- endfor -%}`,
  'filters and json': `{{ messages | length }} {{ messages[0] | tojson }} {{ messages[0].content | upper | length }} {{ messages | map(attribute='role') | join(', ') }} {{ (messages | selectattr('role', 'equalto', 'user') | list | last).content }} {{ 'named' if messages[0].name is defined else 'unnamed' }} {{ 'first' if messages[0].role in ['user', 'system'] }} {{ messages[-1].content.split('\\n')[0] }} {{ messages[0].get('missing', 'nothing') }} {{ unk_token if unk_token is defined }}{{ 'none' if none is none }}{{ 7 // 2 }}{{ 7 % 4 }}{{ sep_token }}{{ message }}{{ 'a' if tools is none else 'b' }}`,
  macro: `{% macro turn(role, content) -%}<{{ role }}>{{ content }}</{{ role }}>
{% endmacro %}{% for m in messages %}{{ turn(m.role, m.content) }}{% endfor %}{% for i in range(3) %}{{ i }}{{ ',' if not loop.last }}{% endfor %}`,
};

const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });
const system = (content: string) => ({ role: 'system', content });

/** Conversations that templates treat differently. */
export const CONVERSATIONS = [
  [user('What is 2 + 2?')],
  [system('  You are terse. '), user('Hi')],
  [user('one'), assistant('1'), user('two'), assistant('2'), user('three')],
  [system('s'), user(' spaces around \n'), assistant('\n\nlines\n'), user('')],
  [user('<s>[INST] {{ bos_token }} {% raw %} </s>'), assistant('"quoted" \\ <b>&amp;</b> é 日本 🙂')],
  [assistant('out of turn'), user('x')],
  [user('a'), { role: 'tool', content: '{"x": 1}' }, assistant('b'), user('c'), user('d')],
] as const;
