var e=(e,t)=>()=>(t||(e((t={exports:{}}).exports,t,t.exports),e=null),t.exports),t=/* @__PURE__ */ e(((e,t,n)=>{var r=function(e){return e&&e.Math===Math&&e};t.exports=r(typeof globalThis==`object`&&globalThis)||r(typeof window==`object`&&window)||r(typeof self==`object`&&self)||r(typeof global==`object`&&global)||r(typeof n==`object`&&n)||(function(){return this})()||Function(`return this`)()})),n=/* @__PURE__ */ e(((e,n)=>{n.exports=t()})),r=/* @__PURE__ */ e(((e,t)=>{t.exports=function(e){try{return!!e()}catch{return!0}}})),i=/* @__PURE__ */ e(((e,t)=>{t.exports=!r()(function(){var e=function(){}.bind();return typeof e!=`function`||e.hasOwnProperty(`prototype`)})})),a=/* @__PURE__ */ e(((e,t)=>{var n=i(),r=Function.prototype,a=r.call,o=n&&r.bind.bind(a,a);t.exports=n?o:function(e){return function(){return a.apply(e,arguments)}}})),o=/* @__PURE__ */ e(((e,t)=>{t.exports=function(e){return e==null}})),s=/* @__PURE__ */ e(((e,t)=>{var n=o(),r=TypeError;t.exports=function(e){if(n(e))throw new r(`Can't call method on `+e);return e}})),c=/* @__PURE__ */ e(((e,t)=>{var n=s(),r=Object;t.exports=function(e){return r(n(e))}})),l=/* @__PURE__ */ e(((e,t)=>{var n=a(),r=c(),i=n({}.hasOwnProperty);t.exports=Object.hasOwn||function(e,t){return i(r(e),t)}})),u=/* @__PURE__ */ e(((e,t)=>{t.exports=!1})),d=/* @__PURE__ */ e(((e,n)=>{var r=t(),i=Object.defineProperty;n.exports=function(e,t){try{i(r,e,{value:t,configurable:!0,writable:!0})}catch{r[e]=t}return t}})),f=/* @__PURE__ */ e(((e,n)=>{var r=u(),i=t(),a=d(),o=`__core-js_shared__`,s=n.exports=i[o]||a(o,{});(s.versions||=[]).push({version:`3.51.0`,mode:r?`pure`:`global`,copyright:`© 2013–2025 Denis Pushkarev (zloirock.ru), 2025–2026 CoreJS Company (core-js.io). All rights reserved.`,license:`https://github.com/zloirock/core-js/blob/v3.51.0/LICENSE`,source:`https://github.com/zloirock/core-js`})})),p=/* @__PURE__ */ e(((e,t)=>{var n=f(),r=Object.create||Object;t.exports=function(e,t){return n[e]||(n[e]=t||r(null))}})),m=/* @__PURE__ */ e(((e,t)=>{var n=a(),r=0,i=Math.random(),o=n(1.1.toString);t.exports=function(e){return`Symbol(`+(e===void 0?``:e)+`)_`+o(++r+i,36)}})),h=/* @__PURE__ */ e(((e,n)=>{var r=t().navigator,i=r&&r.userAgent;n.exports=i?String(i):``})),g=/* @__PURE__ */ e(((e,n)=>{var r=t(),i=h(),a=r.process,o=r.Deno,s=a&&a.versions||o&&o.version,c=s&&s.v8,l,u;c&&(l=c.split(`.`),u=l[0]>0&&l[0]<4?1:+(l[0]+l[1])),!u&&i&&(l=i.match(/Edge\/(\d+)/),(!l||l[1]>=74)&&(l=i.match(/Chrome\/(\d+)/),l&&(u=+l[1]))),n.exports=u})),_=/* @__PURE__ */ e(((e,n)=>{var i=g(),a=r(),o=t().String;n.exports=!!Object.getOwnPropertySymbols&&!a(function(){var e=Symbol(`symbol detection`);return!o(e)||!(Object(e)instanceof Symbol)||!Symbol.sham&&i&&i<41})})),v=/* @__PURE__ */ e(((e,t)=>{t.exports=_()&&!Symbol.sham&&typeof Symbol.iterator==`symbol`})),y=/* @__PURE__ */ e(((e,n)=>{var r=t(),i=p(),a=l(),o=m(),s=_(),c=v(),u=r.Symbol,d=i(`wks`),f=c?u.for||u:u&&u.withoutSetter||o;n.exports=function(e){return a(d,e)||(d[e]=s&&a(u,e)?u[e]:f(`Symbol.`+e)),d[e]}})),b=/* @__PURE__ */ e((e=>{e.f=y()})),x=/* @__PURE__ */ e(((e,t)=>{t.exports=!r()(function(){return Object.defineProperty({},1,{get:function(){return 7}})[1]!==7})})),S=/* @__PURE__ */ e(((e,t)=>{var n=typeof document==`object`&&document.all;t.exports=n===void 0&&n!==void 0?function(e){return typeof e==`function`||e===n}:function(e){return typeof e==`function`}})),C=/* @__PURE__ */ e(((e,t)=>{var n=S();t.exports=function(e){return typeof e==`object`?e!==null:n(e)}})),w=/* @__PURE__ */ e(((e,n)=>{var r=t(),i=C(),a=r.document,o=i(a)&&i(a.createElement);n.exports=function(e){return o?a.createElement(e):{}}})),T=/* @__PURE__ */ e(((e,t)=>{var n=x(),i=r(),a=w();t.exports=!n&&!i(function(){return Object.defineProperty(a(`div`),"a",{get:function(){return 7}}).a!==7})})),E=/* @__PURE__ */ e(((e,t)=>{var n=x(),i=r();t.exports=n&&i(function(){return Object.defineProperty(function(){},"prototype",{value:42,writable:!1}).prototype!==42})})),D=/* @__PURE__ */ e(((e,t)=>{var n=C(),r=String,i=TypeError;t.exports=function(e){if(n(e))return e;throw new i(r(e)+` is not an object`)}})),O=/* @__PURE__ */ e(((e,t)=>{var n=i(),r=Function.prototype.call;t.exports=n?r.bind(r):function(){return r.apply(r,arguments)}})),k=/* @__PURE__ */ e(((e,n)=>{var r=t(),i=S(),a=function(e){return i(e)?e:void 0};n.exports=function(e,t){return arguments.length<2?a(r[e]):r[e]&&r[e][t]}})),A=/* @__PURE__ */ e(((e,t)=>{t.exports=a()({}.isPrototypeOf)})),ee=/* @__PURE__ */ e(((e,t)=>{var n=k(),r=S(),i=A(),a=v(),o=Object;t.exports=a?function(e){return typeof e==`symbol`}:function(e){var t=n(`Symbol`);return r(t)&&i(t.prototype,o(e))}})),j=/* @__PURE__ */ e(((e,t)=>{var n=String;t.exports=function(e){try{return n(e)}catch{return`Object`}}})),M=/* @__PURE__ */ e(((e,t)=>{var n=S(),r=j(),i=TypeError;t.exports=function(e){if(n(e))return e;throw new i(r(e)+` is not a function`)}})),N=/* @__PURE__ */ e(((e,t)=>{var n=M(),r=o();t.exports=function(e,t){var i=e[t];return r(i)?void 0:n(i)}})),te=/* @__PURE__ */ e(((e,t)=>{var n=O(),r=S(),i=C(),a=TypeError;t.exports=function(e,t){var o,s;if(t===`string`&&r(o=e.toString)&&!i(s=n(o,e))||r(o=e.valueOf)&&!i(s=n(o,e))||t!==`string`&&r(o=e.toString)&&!i(s=n(o,e)))return s;throw new a(`Can't convert object to primitive value`)}})),ne=/* @__PURE__ */ e(((e,t)=>{var n=O(),r=C(),i=ee(),a=N(),o=te(),s=y(),c=TypeError,l=s(`toPrimitive`);t.exports=function(e,t){if(!r(e)||i(e))return e;var s=a(e,l),u;if(s){if(t===void 0&&(t=`default`),u=n(s,e,t),!r(u)||i(u))return u;throw new c(`Can't convert object to primitive value`)}return t===void 0&&(t=`number`),o(e,t)}})),re=/* @__PURE__ */ e(((e,t)=>{var n=ne(),r=ee();t.exports=function(e){var t=n(e,`string`);return r(t)?t:t+``}})),ie=/* @__PURE__ */ e((e=>{var t=x(),n=T(),r=E(),i=D(),a=re(),o=TypeError,s=Object.defineProperty,c=Object.getOwnPropertyDescriptor,l=`enumerable`,u=`configurable`,d=`writable`;e.f=t?r?function(e,t,n){if(i(e),t=a(t),i(n),typeof e==`function`&&t===`prototype`&&`value`in n&&d in n&&!n[d]){var r=c(e,t);r&&r[d]&&(e[t]=n.value,n={configurable:u in n?n[u]:r[u],enumerable:l in n?n[l]:r[l],writable:!1})}return s(e,t,n)}:s:function(e,t,r){if(i(e),t=a(t),i(r),n)try{return s(e,t,r)}catch{}if(`get`in r||`set`in r)throw new o(`Accessors not supported`);return`value`in r&&(e[t]=r.value),e}})),ae=/* @__PURE__ */ e(((e,t)=>{var r=n(),i=l(),a=b(),o=ie().f;t.exports=function(e){var t=r.Symbol||={};i(t,e)||o(t,e,{value:a.f(e)})}})),oe=/* @__PURE__ */ e((e=>{var t={}.propertyIsEnumerable,n=Object.getOwnPropertyDescriptor;e.f=n&&!t.call({1:2},1)?function(e){var t=n(this,e);return!!t&&t.enumerable}:t})),se=/* @__PURE__ */ e(((e,t)=>{t.exports=function(e,t){return{enumerable:!(e&1),configurable:!(e&2),writable:!(e&4),value:t}}})),ce=/* @__PURE__ */ e(((e,t)=>{var n=a(),r=n({}.toString),i=n(``.slice);t.exports=function(e){return i(r(e),8,-1)}})),P=/* @__PURE__ */ e(((e,t)=>{var n=a(),i=r(),o=ce(),s=Object,c=n(``.split);t.exports=i(function(){return!s(`z`).propertyIsEnumerable(0)})?function(e){return o(e)===`String`?c(e,``):s(e)}:s})),le=/* @__PURE__ */ e(((e,t)=>{var n=P(),r=s();t.exports=function(e){return n(r(e))}})),ue=/* @__PURE__ */ e((e=>{var t=x(),n=O(),r=oe(),i=se(),a=le(),o=re(),s=l(),c=T(),u=Object.getOwnPropertyDescriptor;e.f=t?u:function(e,t){if(e=a(e),t=o(t),c)try{return u(e,t)}catch{}if(s(e,t))return i(!n(r.f,e,t),e[t])}})),de=/* @__PURE__ */ e((()=>{var e=t(),n=ae(),r=ie().f,i=ue().f,a=e.Symbol;if(n(`dispose`),a){var o=i(a,`dispose`);o.enumerable&&o.configurable&&o.writable&&r(a,`dispose`,{value:o.value,enumerable:!1,configurable:!1,writable:!1})}})),fe=/* @__PURE__ */ e(((e,t)=>{de(),t.exports=b().f(`dispose`)})),pe=/* @__PURE__ */ e(((e,t)=>{t.exports=fe()})),me=/* @__PURE__ */ e((()=>{de()})),he=/* @__PURE__ */ e(((e,t)=>{var n=pe();me(),t.exports=n})),ge=/* @__PURE__ */ e((()=>{var e=t(),n=ae(),r=ie().f,i=ue().f,a=e.Symbol;if(n(`asyncDispose`),a){var o=i(a,`asyncDispose`);o.enumerable&&o.configurable&&o.writable&&r(a,`asyncDispose`,{value:o.value,enumerable:!1,configurable:!1,writable:!1})}})),_e=/* @__PURE__ */ e(((e,t)=>{ge(),t.exports=b().f(`asyncDispose`)})),ve=/* @__PURE__ */ e(((e,t)=>{t.exports=_e()})),ye=/* @__PURE__ */ e((()=>{ge()})),be=/* @__PURE__ */ e(((e,t)=>{var n=ve();ye(),t.exports=n}));he(),be();var xe=typeof global==`object`&&global&&global.Object===Object&&global,Se=typeof self==`object`&&self&&self.Object===Object&&self,Ce=xe||Se||Function(`return this`)(),we=Ce.Symbol,Te=Object.prototype,Ee=Te.hasOwnProperty,De=Te.toString,Oe=we?we.toStringTag:void 0;function ke(e){var t=Ee.call(e,Oe),n=e[Oe];try{e[Oe]=void 0;var r=!0}catch{}var i=De.call(e);return r&&(t?e[Oe]=n:delete e[Oe]),i}var Ae=Object.prototype.toString;function F(e){return Ae.call(e)}var je=`[object Null]`,I=`[object Undefined]`,Me=we?we.toStringTag:void 0;function Ne(e){return e==null?e===void 0?I:je:Me&&Me in Object(e)?ke(e):F(e)}function Pe(e){return typeof e==`object`&&!!e}var Fe=`[object Symbol]`;function Ie(e){return typeof e==`symbol`||Pe(e)&&Ne(e)==Fe}var Le=/\s/;function Re(e){for(var t=e.length;t--&&Le.test(e.charAt(t)););return t}var ze=/^\s+/;function Be(e){return e&&e.slice(0,Re(e)+1).replace(ze,``)}function Ve(e){var t=typeof e;return e!=null&&(t==`object`||t==`function`)}var He=NaN,Ue=/^[-+]0x[0-9a-f]+$/i,We=/^0b[01]+$/i,Ge=/^0o[0-7]+$/i,Ke=parseInt;function qe(e){if(typeof e==`number`)return e;if(Ie(e))return He;if(Ve(e)){var t=typeof e.valueOf==`function`?e.valueOf():e;e=Ve(t)?t+``:t}if(typeof e!=`string`)return e===0?e:+e;e=Be(e);var n=We.test(e);return n||Ge.test(e)?Ke(e.slice(2),n?2:8):Ue.test(e)?He:+e}var Je=function(){return Ce.Date.now()},Ye=`Expected a function`,Xe=Math.max,Ze=Math.min;function Qe(e,t,n){var r,i,a,o,s,c,l=0,u=!1,d=!1,f=!0;if(typeof e!=`function`)throw TypeError(Ye);t=qe(t)||0,Ve(n)&&(u=!!n.leading,d=`maxWait`in n,a=d?Xe(qe(n.maxWait)||0,t):a,f=`trailing`in n?!!n.trailing:f);function p(t){var n=r,a=i;return r=i=void 0,l=t,o=e.apply(a,n),o}function m(e){return l=e,s=setTimeout(_,t),u?p(e):o}function h(e){var n=e-c,r=e-l,i=t-n;return d?Ze(i,a-r):i}function g(e){var n=e-c,r=e-l;return c===void 0||n>=t||n<0||d&&r>=a}function _(){var e=Je();if(g(e))return v(e);s=setTimeout(_,h(e))}function v(e){return s=void 0,f&&r?p(e):(r=i=void 0,o)}function y(){s!==void 0&&clearTimeout(s),l=0,r=c=i=s=void 0}function b(){return s===void 0?o:v(Je())}function x(){var e=Je(),n=g(e);if(r=arguments,i=this,c=e,n){if(s===void 0)return m(c);if(d)return clearTimeout(s),s=setTimeout(_,t),p(c)}return s===void 0&&(s=setTimeout(_,t)),o}return x.cancel=y,x.flush=b,x}var $e=`Expected a function`;function et(e,t,n){var r=!0,i=!0;if(typeof e!=`function`)throw TypeError($e);return Ve(n)&&(r=`leading`in n?!!n.leading:r,i=`trailing`in n?!!n.trailing:i),Qe(e,t,{leading:r,maxWait:t,trailing:i})}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function tt(e){typeof e==`object`?e.dispose():e()}function nt(e){for(let t=e.length;t>0;--t)tt(e[t-1])}function rt(e,t,n,r){return e.addEventListener(t,n,r),()=>e.removeEventListener(t,n,r)}var it=class{refCount=1;wasDisposed;disposers;addRef(){return++this.refCount,this}disposedStacks;dispose(){--this.refCount===0&&this.refCountReachedZero()}[Symbol.dispose](){this.dispose()}refCountReachedZero(){this.disposed();let{disposers:e}=this;e!==void 0&&(nt(e),this.disposers=void 0),this.wasDisposed=!0}disposed(){}registerDisposer(e){let{disposers:t}=this;return t==null?this.disposers=[e]:t.push(e),e}unregisterDisposer(e){let{disposers:t}=this;if(t!=null){let n=t.indexOf(e);n!==-1&&t.splice(n,1)}return e}registerEventListener(e,t,n,r){this.registerDisposer(rt(e,t,n,r))}registerCancellable(e){return this.registerDisposer(()=>{e.cancel()}),e}},at=class extends it{constructor(e){super(),this.value=e}},ot=class{handlers=/* @__PURE__ */ new Set;count=0;constructor(){
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
let e=this;this.dispatch=function(){++e.count,e.handlers.forEach(e=>{e.apply(this,arguments)})}}add(e){return this.handlers.add(e),()=>this.remove(e)}addOnce(e){let{handlers:t}=this;function n(...r){t.delete(n),e(...r)}t.add(n)}remove(e){return this.handlers.delete(e)}dispatch;dispose(){this.handlers=void 0}},st=class extends ot{},ct=class{constructor(e){
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
this.value_=e}get value(){return this.value_}set value(e){e!==this.value_&&(this.value_=e,this.changed.dispatch())}changed=new st};function lt(e,...t){let n=t.map(e=>e.value),r=t.length,i=new it,a=e(i,...n),o=Qe(()=>{let o=!1;for(let e=0;e<r;++e){let r=t[e].value;n[e]!==r&&(n[e]=r,o=!0)}o&&(i.dispose(),i=new it,a=e(i,...n))},0),s=t.map(e=>e.changed.add(o));return{flush(){o.flush()},dispose(){o.cancel(),nt(s),i.dispose()},get value(){return o.flush(),a}}}
/**
* @license
* Copyright 2024 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function ut(e,t){if(e===void 0)return;if(e.aborted){t(e.reason);return}function n(){t(this.reason)}return e.addEventListener(`abort`,n,{once:!0}),{[Symbol.dispose](){e.removeEventListener(`abort`,n)}}}var dt=class{consumers=/* @__PURE__ */ new Map;controller=new AbortController;retainCount=0;get signal(){return this.controller.signal}addConsumer(e){if(!this.controller.signal.aborted){if(e!==void 0){let t=function(){n.consumers.delete(t),--n.retainCount===0&&(n.controller.abort(),n[Symbol.dispose]())};if(e.aborted)return;let n=this;e.addEventListener(`abort`,t,{once:!0})}++this.retainCount}}[Symbol.dispose](){for(let[e,t]of this.consumers)t.removeEventListener(`abort`,e);this.consumers.clear(),this.retainCount=0}start(){this.retainCount===0&&this.controller.abort()}};function ft(e,t){let{promise:n,resolve:r,reject:i}=Promise.withResolvers(),a=ut(e,t);return{promise:n,resolve:e=>{a?.[Symbol.dispose](),r(e)},reject:e=>{a?.[Symbol.dispose](),i(e)}}}function pt(e,t){return t===void 0?e:t.aborted?Promise.reject(t.reason):new Promise((n,r)=>{let i=ut(t,e=>{r(e)});e.then(e=>{i?.[Symbol.dispose](),n(e)},e=>{i?.[Symbol.dispose](),r(e)})})}
/**
* @license
* Copyright 2024 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var mt=class{constructor(e,t){this.listener=e;let{id:n=Math.random(),startTime:r=Date.now(),message:i}=t;this.id=n,this.startTime=r,this.message=i,e.addSpan(this)}id;startTime;message;[Symbol.dispose](){this.listener.removeSpan(this.id)}},ht=class{items=/* @__PURE__ */ new Map;add(e){let{items:t}=this,n=(t.get(e)??0)+1;return t.set(e,n),n}delete(e){let{items:t}=this,n=t.get(e);return n>1?(--n,t.set(e,n),n):(t.delete(e),0)}has(e){return this.items.has(e)}keys(){return this.items.keys()}entries(){return this.items.entries()}[Symbol.iterator](){return this.items.keys()}},gt=class{constructor(e){this.getKey=e}items=/* @__PURE__ */ new Map;add(e){let{items:t}=this,n=this.getKey(e),r=t.get(n);return r===void 0?(t.set(n,{value:e,count:1}),1):r.count+=1}delete(e){return this.deleteKey(this.getKey(e))}deleteKey(e){let{items:t}=this,n=t.get(e);return n!==void 0&&n.count>1?--n.count:(t.delete(e),0)}has(e){return this.items.has(this.getKey(e))}*[Symbol.iterator](){for(let e of this.items.values())yield e.value}};function _t(e){return e.id}var vt=class extends gt{constructor(){super(_t)}},yt=class{spans=new vt;listeners=new ht;addSpan(e){if(this.spans.add(e)===1)for(let t of this.listeners)t.addSpan(e)}removeSpan(e){if(this.spans.deleteKey(e)===0)for(let t of this.listeners)t.removeSpan(e)}addListener(e){if(e!==void 0&&this.listeners.add(e)===1)for(let t of this.spans)e.addSpan(t)}removeListener(e){if(e!==void 0&&this.listeners.delete(e)===0)for(let t of this.spans)e.removeSpan(t.id)}};
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const bt=!(typeof Window<`u`&&self instanceof Window),xt=`rpc.promise.response`,St=`rpc.promise.cancel`,Ct=`rpc.promise.addProgressSpan`,wt=`rpc.promise.removeProgressSpan`,Tt=`rpc.ready`,Et=/* @__PURE__ */ new Map;function L(e,t){Et.set(e,t)}var Dt=class{constructor(e,t){this.rpc=e,this.id=t}addSpan(e){this.rpc.invoke(Ct,{id:this.id,span:{id:e.id,message:e.message,startTime:e.startTime}})}removeSpan(e){this.rpc.invoke(wt,{id:this.id,spanId:e})}};function Ot(e,t){L(e,function(e){let n=e.id,r=new AbortController,i;e.progressListener===!0&&(i=new Dt(this,n));let a=t.call(this,e,{signal:r.signal,progressListener:i});this.set(n,{promise:a,abortController:r}),a.then(({value:e,transfers:t})=>{this.delete(n),this.invoke(xt,{id:n,value:e},t)},e=>{this.delete(n),this.invoke(xt,{id:n,error:e})})})}L(St,function(e){let t=e.id,n=this.get(t);if(n!==void 0){let{abortController:e}=n;e.abort()}}),L(xt,function(e){let t=e.id,{resolve:n,reject:r}=this.get(t);this.delete(t),Object.prototype.hasOwnProperty.call(e,`value`)?n(e.value):r(e.error)}),L(Ct,function(e){let t=e.id,{progressListener:n}=this.get(t);new mt(n,e.span)}),L(wt,function(e){let t=e.id,{progressListener:n}=this.get(t);n.removeSpan(e.spanId)}),L(Tt,function(e){this.onPeerReady()});const kt=bt?-1:0;var At=class{constructor(e,t){this.target=e,t&&(this.queue=[]),e.onmessage=e=>{let t=e.data;if(Et.get(t.functionName)===void 0)throw Error(`Missing RPC function: ${t.functionName}`);Et.get(t.functionName).call(this,t)}}objects=/* @__PURE__ */ new Map;nextId=kt;queue;sendReady(){this.invoke(Tt,{})}onPeerReady(){let{queue:e}=this;if(e!==void 0){this.queue=void 0;for(let{data:t,transfers:n}of e)this.target.postMessage(t,n)}}get numObjects(){return this.objects.size}set(e,t){this.objects.set(e,t)}delete(e){this.objects.delete(e)}get(e){return this.objects.get(e)}getRef(e){let t=e.id,n=this.get(t);return n.referencedGeneration=e.gen,n.addRef(),n}getOptionalRef(e){if(e===void 0)return;let t=e.id,n=this.get(t);return n.referencedGeneration=e.gen,n.addRef(),n}invoke(e,t,n){t.functionName=e;let{queue:r}=this;r===void 0?this.target.postMessage(t,n):r.push({data:t,transfers:n})}promiseInvoke(e,t,n){let r,i,a;if(n!==void 0&&({signal:r,progressListener:i,transfers:a}=n),r?.aborted)return Promise.reject(r.reason);i!==void 0&&(t.progressListener=!0);let o=t.id=this.newId();this.invoke(e,t,a);let{promise:s,resolve:c,reject:l}=r===void 0?Promise.withResolvers():ft(r,()=>{this.invoke(St,{id:o})});return this.set(o,{resolve:c,reject:l,progressListener:i}),s}newId(){return bt?this.nextId--:this.nextId++}},jt=class extends it{rpc=null;rpcId=null;isOwner;unreferencedGeneration;referencedGeneration;initializeSharedObject(e,t=e.newId()){this.rpc=e,this.rpcId=t,this.isOwner=!1,e.set(t,this)}initializeCounterpart(e,t={}){this.initializeSharedObject(e),this.unreferencedGeneration=0,this.referencedGeneration=0,this.isOwner=!0,t.id=this.rpcId,t.type=this.RPC_TYPE_ID,e.invoke(`SharedObject.new`,t)}dispose(){super.dispose()}addCounterpartRef(){return{id:this.rpcId,gen:++this.referencedGeneration}}refCountReachedZero(){this.isOwner===!0?this.referencedGeneration===this.unreferencedGeneration&&this.ownerDispose():this.isOwner===!1?this.rpc.invoke(`SharedObject.refCountReachedZero`,{id:this.rpcId,gen:this.referencedGeneration}):super.refCountReachedZero()}ownerDispose(){let{rpc:e,rpcId:t}=this;super.refCountReachedZero(),e.delete(t),e.invoke(`SharedObject.dispose`,{id:t})}counterpartRefCountReachedZero(e){this.unreferencedGeneration=e,this.refCount===0&&e===this.referencedGeneration&&this.ownerDispose()}};function Mt(e,t,n={}){t!=null&&e.initializeSharedObject(t,n.id)}var Nt=class extends jt{constructor(e,t={}){super(),Mt(this,e,t)}};L(`SharedObject.dispose`,function(e){let t=this.get(e.id);if(t.refCount!==0)throw Error(`Attempted to dispose object with non-zero reference count.`);t.disposed(),this.delete(t.rpcId),t.rpcId=null,t.rpc=null}),L(`SharedObject.refCountReachedZero`,function(e){let t=this.get(e.id),n=e.gen;t.counterpartRefCountReachedZero(n)});const Pt=/* @__PURE__ */ new Map;function Ft(e){return t=>{t.prototype.RPC_TYPE_ID=e}}function R(e){return t=>{if(e!==void 0)t.prototype.RPC_TYPE_ID=e;else if(e=t.prototype.RPC_TYPE_ID,e===void 0)throw Error(`RPC_TYPE_ID should have already been defined`);Pt.set(e,t)}}L(`SharedObject.new`,function(e){let t=this,n=e.type,r=new(Pt.get(n))(t,e);--r.refCount});
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var It=Object.defineProperty,Lt=Object.getOwnPropertyDescriptor,Rt=(e,t,n,r)=>{for(var i=r>1?void 0:r?Lt(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&It(t,n,i),i};const zt=`SharedWatchableValue.changed`;let Bt=class extends Nt{base;updatingValue_=!1;constructor(e,t={}){super(e,t),e!==void 0&&(this.base=new ct(t.value),this.setupChangedHandler())}initializeCounterpart(e,t={}){t.value=this.value,super.initializeCounterpart(e,t)}setupChangedHandler(){this.registerDisposer(this.base.changed.add(()=>{if(this.updatingValue_)this.updatingValue_=!1;else{let{rpc:e}=this;e!==null&&e.invoke(zt,{id:this.rpcId,value:this.value})}}))}static makeFromExisting(e,t){let n=new Bt;return n.base=t,n.setupChangedHandler(),n.initializeCounterpart(e),n}static make(e,t){return Bt.makeFromExisting(e,new ct(t))}get value(){return this.base.value}set value(e){this.base.value=e}get changed(){return this.base.changed}};Bt=Rt([R(`SharedWatchableValue`)],Bt),L(zt,function(e){let t=this.get(e.id);t.updatingValue_=!0,t.base.value=e.value,t.updatingValue_=!1});
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var z=/* @__PURE__ */ (e=>(e[e.GPU_MEMORY=0]=`GPU_MEMORY`,e[e.SYSTEM_MEMORY=1]=`SYSTEM_MEMORY`,e[e.SYSTEM_MEMORY_WORKER=2]=`SYSTEM_MEMORY_WORKER`,e[e.DOWNLOADING=3]=`DOWNLOADING`,e[e.QUEUED=4]=`QUEUED`,e[e.NEW=5]=`NEW`,e[e.FAILED=6]=`FAILED`,e[e.EXPIRED=7]=`EXPIRED`,e))(z||{}),B=/* @__PURE__ */ (e=>(e[e.FIRST_TIER=0]=`FIRST_TIER`,e[e.FIRST_ORDERED_TIER=0]=`FIRST_ORDERED_TIER`,e[e.VISIBLE=0]=`VISIBLE`,e[e.PREFETCH=1]=`PREFETCH`,e[e.LAST_ORDERED_TIER=1]=`LAST_ORDERED_TIER`,e[e.RECENT=2]=`RECENT`,e[e.LAST_TIER=2]=`LAST_TIER`,e))(B||{}),Vt=/* @__PURE__ */ (e=>(e[e.totalTime=0]=`totalTime`,e[e.totalChunks=1]=`totalChunks`,e))(Vt||{}),Ht=/* @__PURE__ */ (e=>(e[e.numChunks=0]=`numChunks`,e[e.systemMemoryBytes=1]=`systemMemoryBytes`,e[e.gpuMemoryBytes=2]=`gpuMemoryBytes`,e))(Ht||{});function Ut(e,t){return e*3+t}function Wt(e){return 72+e}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function Gt(e){let{next:t,prev:n}=e;return{insertAfter(e,r){let i=e[t];r[t]=i,r[n]=e,e[t]=r,i[n]=r},insertBefore(e,r){let i=e[n];r[n]=i,r[t]=e,e[n]=r,i[t]=r},front(e){let n=e[t];return n===e?null:n},back(e){let t=e[n];return t===e?null:t},pop(e){let r=e[t],i=e[n];return r[n]=i,i[t]=r,e[t]=null,e[n]=null,e},*iterator(e){for(let n=e[t];n!==e;n=n[t])yield n},*reverseIterator(e){for(let t=e[n];t!==e;t=t[n])yield t},initializeHead(e){e[t]=e[n]=e}}}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function Kt(e,t){return e<t?-1:+(e>t)}function qt(e,t){return BigInt(e)|BigInt(t)<<32n}function Jt(){return qt(Math.random()*4294967296>>>0,Math.random()*4294967296>>>0)}var Yt=typeof Float32Array<`u`?Float32Array:Array;Math.hypot||(Math.hypot=function(){for(var e=0,t=arguments.length;t--;)e+=arguments[t]*arguments[t];return Math.sqrt(e)});function Xt(){var e=new Yt(9);return Yt!=Float32Array&&(e[1]=0,e[2]=0,e[3]=0,e[5]=0,e[6]=0,e[7]=0),e[0]=1,e[4]=1,e[8]=1,e}function Zt(e){var t=e[0],n=e[1],r=e[2],i=e[3],a=e[4],o=e[5],s=e[6],c=e[7],l=e[8];return t*(l*a-o*c)+n*(-l*i+o*s)+r*(c*i-a*s)}function Qt(){var e=new Yt(16);return Yt!=Float32Array&&(e[1]=0,e[2]=0,e[3]=0,e[4]=0,e[6]=0,e[7]=0,e[8]=0,e[9]=0,e[11]=0,e[12]=0,e[13]=0,e[14]=0),e[0]=1,e[5]=1,e[10]=1,e[15]=1,e}function $t(e){var t=new Yt(16);return t[0]=e[0],t[1]=e[1],t[2]=e[2],t[3]=e[3],t[4]=e[4],t[5]=e[5],t[6]=e[6],t[7]=e[7],t[8]=e[8],t[9]=e[9],t[10]=e[10],t[11]=e[11],t[12]=e[12],t[13]=e[13],t[14]=e[14],t[15]=e[15],t}function en(e,t){return e[0]=t[0],e[1]=t[1],e[2]=t[2],e[3]=t[3],e[4]=t[4],e[5]=t[5],e[6]=t[6],e[7]=t[7],e[8]=t[8],e[9]=t[9],e[10]=t[10],e[11]=t[11],e[12]=t[12],e[13]=t[13],e[14]=t[14],e[15]=t[15],e}function tn(e,t,n,r,i,a,o,s,c,l,u,d,f,p,m,h){var g=new Yt(16);return g[0]=e,g[1]=t,g[2]=n,g[3]=r,g[4]=i,g[5]=a,g[6]=o,g[7]=s,g[8]=c,g[9]=l,g[10]=u,g[11]=d,g[12]=f,g[13]=p,g[14]=m,g[15]=h,g}function nn(e,t){var n=t[0],r=t[1],i=t[2],a=t[3],o=t[4],s=t[5],c=t[6],l=t[7],u=t[8],d=t[9],f=t[10],p=t[11],m=t[12],h=t[13],g=t[14],_=t[15],v=n*s-r*o,y=n*c-i*o,b=n*l-a*o,x=r*c-i*s,S=r*l-a*s,C=i*l-a*c,w=u*h-d*m,T=u*g-f*m,E=u*_-p*m,D=d*g-f*h,O=d*_-p*h,k=f*_-p*g,A=v*k-y*O+b*D+x*E-S*T+C*w;return A?(A=1/A,e[0]=(s*k-c*O+l*D)*A,e[1]=(i*O-r*k-a*D)*A,e[2]=(h*C-g*S+_*x)*A,e[3]=(f*S-d*C-p*x)*A,e[4]=(c*E-o*k-l*T)*A,e[5]=(n*k-i*E+a*T)*A,e[6]=(g*b-m*C-_*y)*A,e[7]=(u*C-f*b+p*y)*A,e[8]=(o*O-s*E+l*w)*A,e[9]=(r*E-n*O-a*w)*A,e[10]=(m*S-h*b+_*v)*A,e[11]=(d*b-u*S-p*v)*A,e[12]=(s*T-o*D-c*w)*A,e[13]=(n*D-r*T+i*w)*A,e[14]=(h*y-m*x-g*v)*A,e[15]=(u*x-d*y+f*v)*A,e):null}function rn(e,t,n){var r=t[0],i=t[1],a=t[2],o=t[3],s=t[4],c=t[5],l=t[6],u=t[7],d=t[8],f=t[9],p=t[10],m=t[11],h=t[12],g=t[13],_=t[14],v=t[15],y=n[0],b=n[1],x=n[2],S=n[3];return e[0]=y*r+b*s+x*d+S*h,e[1]=y*i+b*c+x*f+S*g,e[2]=y*a+b*l+x*p+S*_,e[3]=y*o+b*u+x*m+S*v,y=n[4],b=n[5],x=n[6],S=n[7],e[4]=y*r+b*s+x*d+S*h,e[5]=y*i+b*c+x*f+S*g,e[6]=y*a+b*l+x*p+S*_,e[7]=y*o+b*u+x*m+S*v,y=n[8],b=n[9],x=n[10],S=n[11],e[8]=y*r+b*s+x*d+S*h,e[9]=y*i+b*c+x*f+S*g,e[10]=y*a+b*l+x*p+S*_,e[11]=y*o+b*u+x*m+S*v,y=n[12],b=n[13],x=n[14],S=n[15],e[12]=y*r+b*s+x*d+S*h,e[13]=y*i+b*c+x*f+S*g,e[14]=y*a+b*l+x*p+S*_,e[15]=y*o+b*u+x*m+S*v,e}function an(e,t,n,r){var i=t[0],a=t[1],o=t[2],s=t[3],c=i+i,l=a+a,u=o+o,d=i*c,f=i*l,p=i*u,m=a*l,h=a*u,g=o*u,_=s*c,v=s*l,y=s*u,b=r[0],x=r[1],S=r[2];return e[0]=(1-(m+g))*b,e[1]=(f+y)*b,e[2]=(p-v)*b,e[3]=0,e[4]=(f-y)*x,e[5]=(1-(d+g))*x,e[6]=(h+_)*x,e[7]=0,e[8]=(p+v)*S,e[9]=(h-_)*S,e[10]=(1-(d+m))*S,e[11]=0,e[12]=n[0],e[13]=n[1],e[14]=n[2],e[15]=1,e}function V(){var e=new Yt(3);return Yt!=Float32Array&&(e[0]=0,e[1]=0,e[2]=0),e}function on(e){var t=new Yt(3);return t[0]=e[0],t[1]=e[1],t[2]=e[2],t}function sn(e){var t=e[0],n=e[1],r=e[2];return Math.hypot(t,n,r)}function cn(e,t,n){var r=new Yt(3);return r[0]=e,r[1]=t,r[2]=n,r}function ln(e,t){return e[0]=t[0],e[1]=t[1],e[2]=t[2],e}function un(e,t,n){return e[0]=t[0]+n[0],e[1]=t[1]+n[1],e[2]=t[2]+n[2],e}function dn(e,t,n){return e[0]=t[0]-n[0],e[1]=t[1]-n[1],e[2]=t[2]-n[2],e}function fn(e,t,n){return e[0]=t[0]*n[0],e[1]=t[1]*n[1],e[2]=t[2]*n[2],e}function pn(e,t,n){return e[0]=t[0]*n,e[1]=t[1]*n,e[2]=t[2]*n,e}function mn(e,t){var n=t[0]-e[0],r=t[1]-e[1],i=t[2]-e[2];return Math.hypot(n,r,i)}function hn(e,t){var n=t[0],r=t[1],i=t[2],a=n*n+r*r+i*i;return a>0&&(a=1/Math.sqrt(a)),e[0]=t[0]*a,e[1]=t[1]*a,e[2]=t[2]*a,e}function gn(e,t){return e[0]*t[0]+e[1]*t[1]+e[2]*t[2]}function _n(e,t,n){var r=t[0],i=t[1],a=t[2],o=n[0],s=n[1],c=n[2];return e[0]=i*c-a*s,e[1]=a*o-r*c,e[2]=r*s-i*o,e}function vn(e,t,n){var r=t[0],i=t[1],a=t[2],o=n[3]*r+n[7]*i+n[11]*a+n[15];return o||=1,e[0]=(n[0]*r+n[4]*i+n[8]*a+n[12])/o,e[1]=(n[1]*r+n[5]*i+n[9]*a+n[13])/o,e[2]=(n[2]*r+n[6]*i+n[10]*a+n[14])/o,e}function yn(e,t){var n=e[0],r=e[1],i=e[2],a=t[0],o=t[1],s=t[2];return Math.abs(n-a)<=1e-6*Math.max(1,Math.abs(n),Math.abs(a))&&Math.abs(r-o)<=1e-6*Math.max(1,Math.abs(r),Math.abs(o))&&Math.abs(i-s)<=1e-6*Math.max(1,Math.abs(i),Math.abs(s))}var bn=sn;(function(){var e=V();return function(t,n,r,i,a,o){var s,c;for(n||=3,r||=0,c=i?Math.min(i*n+r,t.length):t.length,s=r;s<c;s+=n)e[0]=t[s],e[1]=t[s+1],e[2]=t[s+2],a(e,e,o),t[s]=e[0],t[s+1]=e[1],t[s+2]=e[2];return t}})();function xn(){var e=new Yt(4);return Yt!=Float32Array&&(e[0]=0,e[1]=0,e[2]=0,e[3]=0),e}function Sn(e,t,n,r){var i=new Yt(4);return i[0]=e,i[1]=t,i[2]=n,i[3]=r,i}function Cn(e,t){var n=t[0],r=t[1],i=t[2],a=t[3],o=n*n+r*r+i*i+a*a;return o>0&&(o=1/Math.sqrt(o)),e[0]=n*o,e[1]=r*o,e[2]=i*o,e[3]=a*o,e}(function(){var e=xn();return function(t,n,r,i,a,o){var s,c;for(n||=4,r||=0,c=i?Math.min(i*n+r,t.length):t.length,s=r;s<c;s+=n)e[0]=t[s],e[1]=t[s+1],e[2]=t[s+2],e[3]=t[s+3],a(e,e,o),t[s]=e[0],t[s+1]=e[1],t[s+2]=e[2],t[s+3]=e[3];return t}})();function wn(){var e=new Yt(4);return Yt!=Float32Array&&(e[0]=0,e[1]=0,e[2]=0),e[3]=1,e}function Tn(e,t,n){n*=.5;var r=Math.sin(n);return e[0]=r*t[0],e[1]=r*t[1],e[2]=r*t[2],e[3]=Math.cos(n),e}function En(e,t,n,r){var i=t[0],a=t[1],o=t[2],s=t[3],c=n[0],l=n[1],u=n[2],d=n[3],f,p=i*c+a*l+o*u+s*d,m,h,g;return p<0&&(p=-p,c=-c,l=-l,u=-u,d=-d),1-p>1e-6?(f=Math.acos(p),m=Math.sin(f),h=Math.sin((1-r)*f)/m,g=Math.sin(r*f)/m):(h=1-r,g=r),e[0]=h*i+g*c,e[1]=h*a+g*l,e[2]=h*o+g*u,e[3]=h*s+g*d,e}function Dn(e,t){var n=t[0]+t[4]+t[8],r;if(n>0)r=Math.sqrt(n+1),e[3]=.5*r,r=.5/r,e[0]=(t[5]-t[7])*r,e[1]=(t[6]-t[2])*r,e[2]=(t[1]-t[3])*r;else{var i=0;t[4]>t[0]&&(i=1),t[8]>t[i*3+i]&&(i=2);var a=(i+1)%3,o=(i+2)%3;r=Math.sqrt(t[i*3+i]-t[a*3+a]-t[o*3+o]+1),e[i]=.5*r,r=.5/r,e[3]=(t[a*3+o]-t[o*3+a])*r,e[a]=(t[a*3+i]+t[i*3+a])*r,e[o]=(t[o*3+i]+t[i*3+o])*r}return e}var On=Sn,kn=Cn;(function(){var e=V(),t=cn(1,0,0),n=cn(0,1,0);return function(r,i,a){var o=gn(i,a);return o<-.999999?(_n(e,t,i),bn(e)<1e-6&&_n(e,n,i),hn(e,e),Tn(r,e,Math.PI),r):o>.999999?(r[0]=0,r[1]=0,r[2]=0,r[3]=1,r):(_n(e,i,a),r[0]=e[0],r[1]=e[1],r[2]=e[2],r[3]=1+o,kn(r,r))}})(),function(){var e=wn(),t=wn();return function(n,r,i,a,o,s){return En(e,r,o,s),En(t,i,a,s),En(n,e,t,2*s*(1-s)),n}}(),function(){var e=Xt();return function(t,n,r,i){return e[0]=r[0],e[3]=r[1],e[6]=r[2],e[1]=i[0],e[4]=i[1],e[7]=i[2],e[2]=-n[0],e[5]=-n[1],e[8]=-n[2],kn(t,Dn(t,e))}}();
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function An(e,t){let n=e.length,r=0;for(let i=0;i<n;++i)t(e[i],i,e)&&(e[r]=e[i],++r);e.length=r}function jn(e,t,n){let r=new e.constructor(e.length);for(let i=0;i<t*n;i+=n)for(let a=0;a<n;a++){let o=i/n;r[a*t+o]=e[i+a]}return r}function Mn(e,t,n,r=0,i=e.length){for(;r<i;){let a=r+i-1>>1,o=n(t,e[a]);if(o>0)r=a+1;else if(o<0)i=a;else return a}return~r}function Nn(e,t,n){let r=t-e;for(;r>0;){let t=Math.floor(r/2),i=e+t;n(i)?r=t:(e=i+1,r-=t+1)}return e}function Pn(e,t){let n=e.length;if(t.length!==n)return!1;for(let r=0;r<n;++r)if(e[r]!==t[r])return!1;return!0}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
Qt(),cn(1,0,0),cn(0,1,0),cn(0,0,1);const Fn=cn(0,0,0);Sn(0,0,0,0);const In=cn(1,1,1),Ln=cn(1/0,1/0,1/0);wn();function Rn(e){return e[0]*e[1]*e[2]}function zn(e){return`${e[0]},${e[1]},${e[2]}`}function Bn(e,t,n){let r=t[0],i=t[1],a=t[2];return e[0]=n[0]*r+n[4]*i+n[8]*a,e[1]=n[1]*r+n[5]*i+n[9]*a,e[2]=n[2]*r+n[6]*i+n[10]*a,e}function Vn(e,t,n){let r=t[0],i=t[1],a=t[2];return e[0]=n[0]*r+n[1]*i+n[2]*a,e[1]=n[4]*r+n[5]*i+n[6]*a,e[2]=n[8]*r+n[9]*i+n[10]*a,e}function Hn(e,t,n,r,i){let a=e;return e[0]=r[0],e[1]=r[1],e[2]=r[2]*i,an(e,n,t,a)}function Un(e,t){let n=t[0],r=t[1],i=t[2],a=t[4],o=t[5],s=t[6],c=t[8],l=t[9],u=t[10];return e[0]=n,e[1]=r,e[2]=i,e[3]=a,e[4]=o,e[5]=s,e[6]=c,e[7]=l,e[8]=u,e}function Wn(e,t){let n=t[0],r=t[1],i=t[2],a=t[3],o=t[4],s=t[5],c=t[6],l=t[7],u=t[8],d=t[9],f=t[10],p=t[11],m=t[12],h=t[13],g=t[14],_=t[15];e[0]=a+n,e[1]=l+o,e[2]=p+u,e[3]=_+m,e[4]=a-n,e[5]=l-o,e[6]=p-u,e[7]=_-m,e[8]=a+r,e[9]=l+s,e[10]=p+d,e[11]=_+h,e[12]=a-r,e[13]=l-s,e[14]=p-d,e[15]=_-h;let v=a+i,y=l+c,b=p+f,x=_+g,S=a-i,C=l-c,w=p-f,T=_-g,E=Math.sqrt(v**2+y**2+b**2);e[16]=v/E,e[17]=y/E,e[18]=b/E,e[19]=x/E;let D=Math.sqrt(S**2+C**2+w**2);return e[20]=S/D,e[21]=C/D,e[22]=w/D,e[23]=T/D,e}function Gn(e,t,n,r,i,a,o){for(let s=0;s<6;++s){let c=o[s*4],l=o[s*4+1],u=o[s*4+2],d=o[s*4+3];if(Math.max(c*e,c*r)+Math.max(l*t,l*i)+Math.max(u*n,u*a)+d<0)return!1}return!0}function Kn(e,t,n,r,i,a,o){for(let s=0;s<4;++s){let c=o[s*4],l=o[s*4+1],u=o[s*4+2],d=o[s*4+3];if(Math.max(c*e,c*r)+Math.max(l*t,l*i)+Math.max(u*n,u*a)+d<0)return!1}{let s=o[20],c=o[21],l=o[22],u=o[23],d=Math.max(s*e,s*r)+Math.max(c*t,c*i)+Math.max(l*n,l*a),f=Math.min(s*e,s*r)+Math.min(c*t,c*i)+Math.min(l*n,l*a),p=Math.abs(u)*1e-6;if(f>-u+p||d<-u-p)return!1}return!0}function qn(e){if(e[15]===1){let t=2/Math.abs(e[10]);return 2/Math.abs(e[0])*(2/Math.abs(e[5]))*t}let t=e[10],n=2*e[14]/(2*t-2),r=(t-1)*n/(t+1);return 4/(e[0]*e[5])/3*(Math.abs(r)**3-Math.abs(n)**3)}function Jn(e){if(e[15]===1)return 2/Math.abs(e[10]);let t=e[10],n=2*e[14]/(2*t-2),r=(t-1)*n/(t+1);return Math.abs(r-n)}V();
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function Yn(e){let t=typeof e;if(t===`number`||t===`string`){let t=parseFloat(``+e);if(!Number.isNaN(t))return t}throw Error(`Expected floating-point number, but received: ${JSON.stringify(e)}.`)}function Xn(e){let t=Yn(e);if(Number.isFinite(t))return t;throw Error(`Expected finite floating-point number, but received: ${t}.`)}function Zn(e){let t=Yn(e);if(Number.isFinite(t)&&t>=0)return t;throw Error(`Expected finite non-negative floating-point number, but received: ${t}.`)}function Qn(e){if(typeof e==`object`){if(e===null)return`null`;if(Array.isArray(e)){let t=`[`,n=e.length,r=0;if(r<n)for(t+=Qn(e[r]);++r<n;)t+=`,`,t+=Qn(e[r]);return t+=`]`,t}let t=`{`,n=Object.keys(e).sort(),r=0,i=n.length;if(r<i){let a=n[r];for(t+=JSON.stringify(a),t+=`:`,t+=Qn(e[a]);++r<i;)t+=`,`,a=n[r],t+=JSON.stringify(a),t+=`:`,t+=Qn(e[a])}return t+=`}`,t}return typeof e==`bigint`?e.toString():JSON.stringify(e)}const $n=/('(?:[^'\\]|(?:\\.))*')/,er=/("(?:[^"\\]|(?:\\.))*")/,tr=RegExp(`${$n.source}|${er.source}`);RegExp(`${er.source}|${$n.source}`);const nr=/^((?:[^"'\\]|(?:\\[^']))*)("|\\')/;function rr(e,t,n,r){if(e.length>=2&&e.charAt(0)===t&&e.charAt(e.length-1)===t){let i=e.substr(1,e.length-2),a=n;for(;i.length>0;){let e=i.match(r);if(e===null){a+=i;break}a+=e[1],e[2]===n?(a+=`\\`,a+=n):a+=t,i=i.substr(e.index+e[0].length)}return a+=n,a}return e}function ir(e){return rr(e,`'`,`"`,nr)}function ar(e){let t=``;for(;e.length>0;){let n=e.match(tr),r,i;if(n===null)r=e,e=``,i=``;else{r=e.substr(0,n.index),e=e.substr(n.index+n[0].length);let t=n[1];i=t===void 0?n[2]:ir(t)}t+=r.replace(/\(/g,`[`).replace(/\)/g,`]`).replace(`True`,`true`).replace(`False`,`false`).replace(/,\s*([}\]])/g,`$1`),t+=i}return t}function or(e){return JSON.parse(ar(e))}function sr(e,t){if(!Array.isArray(e))throw Error(`Expected array, but received: ${JSON.stringify(e)}.`);return e.map(t)}function cr(e,t,n){let r=e.length;if(!Array.isArray(t)||t.length!==r)throw Error(`Expected length ${r} array, but received: ${JSON.stringify(t)}.`);for(let i=0;i<r;++i)e[i]=n(t[i],i);return e}function lr(e){if(typeof e!=`object`||!e||Array.isArray(e))throw Error(`Expected JSON object, but received: ${JSON.stringify(e)}.`);return e}function ur(e){let t=parseInt(e,10);if(!Number.isInteger(t))throw Error(`Expected integer, but received: ${JSON.stringify(e)}.`);return t}function dr(e){if(typeof e!=`string`)throw Error(`Expected string, but received: ${JSON.stringify(e)}.`);return e}function fr(e){if(e!==void 0)return dr(e)}function H(e,t,n){let r=Object.prototype.hasOwnProperty.call(e,t)?e[t]:void 0;try{return n(r)}catch(e){throw Error(`Error parsing ${JSON.stringify(t)} property: ${e.message}`)}}function pr(e,t,n,r){return H(e,t,e=>e===void 0?r:n(e))}function mr(e,t,n=/^[a-zA-Z]/){if(typeof e==`string`&&e.match(n)!==null){let n=e.toUpperCase();if(Object.prototype.hasOwnProperty.call(t,n))return t[n]}throw Error(`Invalid enum value: ${JSON.stringify(e)}.`)}function hr(e){if(!Array.isArray(e))throw Error(`Expected array, received: ${JSON.stringify(e)}.`);for(let t of e)if(typeof t!=`string`)throw Error(`Expected string, received: ${JSON.stringify(t)}.`);return e}function gr(e){let t;switch(typeof e){case`string`:if(e.match(/^(?:0|[1-9][0-9]*)$/)===null)throw Error(`Expected base-10 number, but received: ${JSON.stringify(e)}`);t=BigInt(e);break;case`number`:t=BigInt(e);break;case`bigint`:t=e;break;default:throw Error(`Expected uint64 value, but received: ${JSON.stringify(e)}`)}if(t<0n||t>18446744073709551615n)throw Error(`Expected uint64 value, but received: ${t}`);return t}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var _r=class{map=/* @__PURE__ */ new Map;get(e,t){let{map:n}=this,r=n.get(e);return r===void 0?(r=t(),r.registerDisposer(()=>{n.delete(e)}),n.set(e,r)):r.addRef(),r}},vr=class extends _r{get(e,t){return typeof e!=`string`&&(e=Qn(e)),super.get(e,t)}getUncounted(e,t){return this.get(e,()=>new at(t())).value}getAsync(e,t,n){return this.getUncounted(e,()=>yr(n))(t)}};function yr(e){let t,n,r,i=!1;return async a=>{if(i)return r;let{signal:o}=a;if(o?.throwIfAborted(),r===void 0||n.signal.aborted){t=new yt,n=new dt;let a=n;r=(async()=>{try{return await e({signal:a.signal,progressListener:t})}catch(e){throw a.signal.aborted&&(r=void 0),e}finally{r!==void 0&&(i=!0),t=void 0,a[Symbol.dispose](),n===a&&(n=void 0)}})()}n.addConsumer(o);let s=t;s.addListener(a.progressListener);try{return await pt(r,o)}finally{s.removeListener(a.progressListener)}}}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function br(e){let{child:t,next:n,prev:r,compare:i}=e;function a(e){let i=e[t];if(i===null)return null;let a=null;for(;;){let e=i[n],t,r;if(e===null?(t=null,r=i):(t=e[n],r=o(i,e)),r[n]=a,a=r,t===null)break;i=t}let s=a;for(a=a[n];a!==null;){let e=a[n];s=o(s,a),a=e}return s[r]=null,s[n]=null,s}function o(e,a){if(a===null)return e;if(e===null)return a;if(i(a,e)){let t=e;e=a,a=t}let o=e[t];return a[n]=o,a[r]=e,o!==null&&(o[r]=a),e[t]=a,e}function s(e){let i=a(e);return e[n]=null,e[r]=null,e[t]=null,i}function c(e,i){if(e===i)return s(e);let c=i[r],l=i[n];c[t]===i?c[t]=l:c[n]=l,l!==null&&(l[r]=c);let u=o(e,a(i));return i[n]=null,i[r]=null,i[t]=null,u}function*l(e){if(e!==null){let r=e[t];for(yield e;r!==null;){let e=r[n];yield*l(r),r=e}}}function*u(e){if(e!==null){let i=e[t];for(e[t]=null,e[n]=null,e[r]=null,yield e;i!==null;){let e=i[n];i[t]=null,i[n]=null,i[r]=null,yield*l(i),i=e}}}return{compare:i,meld:o,removeMin:s,remove:c,entries:l,removedEntries:u}}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var xr=Object.defineProperty,Sr=Object.getOwnPropertyDescriptor,Cr=(e,t,n,r)=>{for(var i=r>1?void 0:r?Sr(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&xr(t,n,i),i};let wr=0;function Tr(){return++wr}var Er=class{child0=null;next0=null;prev0=null;child1=null;next1=null;prev1=null;source=null;key=null;state_=z.NEW;error=null;markGeneration=-1;priority=0;newPriority=0;priorityTier=B.RECENT;newPriorityTier=B.RECENT;systemMemoryBytes_=0;gpuMemoryBytes_=0;downloadSlots_=1;isComputational=!1;requestedState=z.NEW;newRequestedState=z.NEW;downloadAbortController=void 0;initialize(e){this.key=e,this.priority=-1/0,this.priorityTier=B.RECENT,this.newPriority=-1/0,this.newPriorityTier=B.RECENT,this.error=null,this.state=z.NEW,this.requestedState=z.NEW,this.newRequestedState=z.NEW}updatePriorityProperties(){this.priorityTier=this.newPriorityTier,this.priority=this.newPriority,this.newPriorityTier=B.RECENT,this.newPriority=-1/0,this.requestedState=this.newRequestedState,this.newRequestedState=z.NEW}dispose(){this.source=null,this.error=null}get chunkManager(){return this.source.chunkManager}get queueManager(){return this.source.chunkManager.queueManager}downloadFailed(e){this.error=e,this.queueManager.updateChunkState(this,z.FAILED)}downloadSucceeded(){this.requestedState===z.SYSTEM_MEMORY?(this.queueManager.moveChunkToFrontend(this),this.queueManager.updateChunkState(this,z.SYSTEM_MEMORY)):this.queueManager.updateChunkState(this,z.SYSTEM_MEMORY_WORKER)}freeSystemMemory(){}serialize(e,t){e.id=this.key,e.source=this.source.rpcId,e.new=!0}toString(){return this.key}set state(e){if(e===this.state_)return;let t=this.state_;this.state_=e,this.source.chunkStateChanged(this,t)}get state(){return this.state_}set systemMemoryBytes(e){Or(this,-1),this.chunkManager.queueManager.adjustCapacitiesForChunk(this,!1),this.systemMemoryBytes_=e,this.chunkManager.queueManager.adjustCapacitiesForChunk(this,!0),Or(this,1),this.chunkManager.queueManager.scheduleUpdate()}get systemMemoryBytes(){return this.systemMemoryBytes_}set gpuMemoryBytes(e){Or(this,-1),this.chunkManager.queueManager.adjustCapacitiesForChunk(this,!1),this.gpuMemoryBytes_=e,this.chunkManager.queueManager.adjustCapacitiesForChunk(this,!0),Or(this,1),this.chunkManager.queueManager.scheduleUpdate()}get gpuMemoryBytes(){return this.gpuMemoryBytes_}get downloadSlots(){return this.downloadSlots_}set downloadSlots(e){e!==this.downloadSlots_&&(Or(this,-1),this.chunkManager.queueManager.adjustCapacitiesForChunk(this,!1),this.downloadSlots_=e,this.chunkManager.queueManager.adjustCapacitiesForChunk(this,!0),Or(this,1),this.chunkManager.queueManager.scheduleUpdate())}registerListener(e){return this.source?this.source.registerChunkListener(this.key,e):!1}unregisterListener(e){return this.source?this.source.unregisterChunkListener(this.key,e):!1}static priorityLess(e,t){return e.priority<t.priority}static priorityGreater(e,t){return e.priority>t.priority}},Dr=class extends jt{constructor(e){super(),this.chunkManager=e,e.queueManager.sources.add(this)}listeners_=/* @__PURE__ */ new Map;chunks=/* @__PURE__ */ new Map;freeChunks=[];statistics=/* @__PURE__ */ new Float64Array(74);sourceQueueLevel=0;disposed(){this.chunkManager.queueManager.sources.delete(this),super.disposed()}getNewChunk_(e){let t=this.freeChunks,n=t.length;if(n>0){let e=t[n-1];return t.length=n-1,e.source=this,e}let r=new e;return r.source=this,r}addChunk(e){let{chunks:t}=this;t.size===0&&this.addRef(),t.set(e.key,e),Or(e,1)}removeChunk(e){let{chunks:t,freeChunks:n}=this;t.delete(e.key),e.dispose(),n[n.length]=e,t.size===0&&this.dispose()}registerChunkListener(e,t){return this.listeners_.has(e)?this.listeners_.get(e).push(t):this.listeners_.set(e,[t]),!0}unregisterChunkListener(e,t){if(!this.listeners_.has(e))return!1;let n=this.listeners_.get(e),r=n.indexOf(t);return r<0?!1:(n.splice(r,1),n.length===0&&this.listeners_.delete(e),!0)}chunkStateChanged(e,t){let{key:n}=e;if(n===null)return;let r=this.listeners_.get(n);if(r!==void 0)for(let n of r.slice())n(e,t)}};function Or(e,t){let{statistics:n}=e.source,{systemMemoryBytes:r,gpuMemoryBytes:i}=e,a=Ut(e.state,e.priorityTier);n[a*3+Ht.numChunks]+=t,n[a*3+Ht.systemMemoryBytes]+=t*r,n[a*3+Ht.gpuMemoryBytes]+=t*i}var kr=class extends Dr{constructor(e,t){let n=e.get(t.chunkManager);super(n),Mt(this,e,t)}};function Ar(e){let t=e.downloadAbortController=new AbortController,n=Date.now();e.source.download(e,t.signal).then(()=>{if(e.downloadAbortController===t){e.downloadAbortController=void 0;let t=Date.now(),{statistics:r}=e.source;r[Wt(Vt.totalTime)]+=t-n,++r[Wt(Vt.totalChunks)],e.downloadSucceeded()}},n=>{e.downloadAbortController===t&&(e.downloadAbortController=void 0,e.downloadFailed(n),console.log(`Error retrieving chunk ${e}: ${n}`))})}function jr(e){let t=e.downloadAbortController;e.downloadAbortController=void 0,t.abort(new DOMException(`chunk download cancelled`,`AbortError`))}var Mr=class{constructor(e,t){this.heapOperations=e,this.linkedListOperations=t,t.initializeHead(this.recentHead)}heapRoots=[null,null];recentHead=new Er;add(e){let t=e.priorityTier;if(t===B.RECENT)this.linkedListOperations.insertAfter(this.recentHead,e);else{let{heapRoots:n}=this;n[t]=this.heapOperations.meld(n[t],e)}}*candidates(){if(this.heapOperations.compare===Er.priorityLess){let{linkedListOperations:e,recentHead:t}=this;for(;;){let n=e.back(t);if(n==null)break;yield n}let{heapRoots:n}=this;for(let e=B.LAST_ORDERED_TIER;e>=B.FIRST_ORDERED_TIER;--e)for(;;){let t=n[e];if(t==null)break;yield t}}else{let e=this.heapRoots;for(let t=B.FIRST_ORDERED_TIER;t<=B.LAST_ORDERED_TIER;++t)for(;;){let n=e[t];if(n==null)break;yield n}let{linkedListOperations:t,recentHead:n}=this;for(;;){let e=t.front(n);if(e==null)break;yield e}}}delete(e){let t=e.priorityTier;if(t===B.RECENT)this.linkedListOperations.pop(e);else{let n=this.heapRoots;n[t]=this.heapOperations.remove(n[t],e)}}};const Nr=Gt({next:`next0`,prev:`prev0`}),Pr=Gt({next:`next1`,prev:`prev1`});function Fr(e){return new Mr(br({compare:e,child:`child0`,next:`next0`,prev:`prev0`}),Nr)}function Ir(e){return new Mr(br({compare:e,child:`child1`,next:`next1`,prev:`prev1`}),Pr)}function Lr(e,t,n,r,i,a){for(;t.availableItems<1||t.availableSize<e;){let e=i.next().value;if(e===void 0)return!1;let t=e.priorityTier;if(t<n||t===n&&e.priority>=r)return!1;a(e)}return!0}var Rr=class extends it{constructor(e,t){super(),this.itemLimit=e,this.sizeLimit=t,this.registerDisposer(e.changed.add(this.capacityChanged.dispatch)),this.registerDisposer(t.changed.add(this.capacityChanged.dispatch))}currentSize=0;currentItems=0;capacityChanged=new st;adjust(e,t){this.currentItems-=e,this.currentSize-=t}get availableSize(){return this.sizeLimit.value-this.currentSize}get availableItems(){return this.itemLimit.value-this.currentItems}toString(){return`bytes=${this.currentSize}/${this.sizeLimit.value},items=${this.currentItems}/${this.itemLimit.value}`}};let zr=class extends Nt{gpuMemoryCapacity;systemMemoryCapacity;downloadCapacity;computeCapacity;enablePrefetch;sources=/* @__PURE__ */ new Set;queuedDownloadPromotionQueue=[Ir(Er.priorityGreater),Ir(Er.priorityGreater)];queuedComputePromotionQueue=Ir(Er.priorityGreater);downloadEvictionQueue=[Ir(Er.priorityLess),Ir(Er.priorityLess)];computeEvictionQueue=Ir(Er.priorityLess);systemMemoryEvictionQueue=Fr(Er.priorityLess);gpuMemoryPromotionQueue=Ir(Er.priorityGreater);gpuMemoryEvictionQueue=Ir(Er.priorityLess);updatePending=null;gpuMemoryChanged=new st;numQueued=0;numFailed=0;gpuMemoryGeneration=0;constructor(e,t){super(e,t);let n=t=>{let n=this.registerDisposer(new Rr(e.get(t.itemLimit),e.get(t.sizeLimit)));return n.capacityChanged.add(()=>this.scheduleUpdate()),n};this.gpuMemoryCapacity=n(t.gpuMemoryCapacity),this.systemMemoryCapacity=n(t.systemMemoryCapacity),this.enablePrefetch=e.get(t.enablePrefetch),this.downloadCapacity=[n(t.downloadCapacity),n(t.downloadCapacity)],this.computeCapacity=n(t.computeCapacity)}scheduleUpdate(){this.updatePending===null&&(this.updatePending=setTimeout(this.process.bind(this),0))}*chunkQueuesForChunk(e){switch(e.state){case z.QUEUED:e.isComputational?yield this.queuedComputePromotionQueue:yield this.queuedDownloadPromotionQueue[e.source.sourceQueueLevel];break;case z.DOWNLOADING:e.isComputational?yield this.computeEvictionQueue:(yield this.downloadEvictionQueue[e.source.sourceQueueLevel],yield this.systemMemoryEvictionQueue);break;case z.SYSTEM_MEMORY_WORKER:case z.SYSTEM_MEMORY:yield this.systemMemoryEvictionQueue,e.requestedState===z.GPU_MEMORY&&(yield this.gpuMemoryPromotionQueue);break;case z.GPU_MEMORY:yield this.systemMemoryEvictionQueue,yield this.gpuMemoryEvictionQueue}}adjustCapacitiesForChunk(e,t){let n=t?-1:1;switch(e.state){case z.FAILED:this.numFailed-=n;break;case z.QUEUED:this.numQueued-=n;break;case z.DOWNLOADING:(e.isComputational?this.computeCapacity:this.downloadCapacity[e.source.sourceQueueLevel]).adjust(n*e.downloadSlots,n*e.systemMemoryBytes),this.systemMemoryCapacity.adjust(n,n*e.systemMemoryBytes);break;case z.SYSTEM_MEMORY:case z.SYSTEM_MEMORY_WORKER:this.systemMemoryCapacity.adjust(n,n*e.systemMemoryBytes);break;case z.GPU_MEMORY:this.systemMemoryCapacity.adjust(n,n*e.systemMemoryBytes),this.gpuMemoryCapacity.adjust(n,n*e.gpuMemoryBytes)}}removeChunkFromQueues_(e){Or(e,-1);for(let t of this.chunkQueuesForChunk(e))t.delete(e)}addChunkToQueues_(e){if(e.state===z.QUEUED&&e.priorityTier===B.RECENT){let{source:t}=e;return t.removeChunk(e),this.adjustCapacitiesForChunk(e,!1),!1}Or(e,1);for(let t of this.chunkQueuesForChunk(e))t.add(e);return!0}performChunkPriorityUpdate(e){e.priorityTier===e.newPriorityTier&&e.priority===e.newPriority?(e.newPriorityTier=B.RECENT,e.newPriority=-1/0):(this.removeChunkFromQueues_(e),e.updatePriorityProperties(),e.state===z.NEW&&(e.state=z.QUEUED,this.adjustCapacitiesForChunk(e,!0)),this.addChunkToQueues_(e))}updateChunkState(e,t){t!==e.state&&(this.adjustCapacitiesForChunk(e,!1),this.removeChunkFromQueues_(e),e.state=t,this.adjustCapacitiesForChunk(e,!0),this.addChunkToQueues_(e),this.scheduleUpdate())}markRecentlyUsed(e){this.removeChunkFromQueues_(e),this.addChunkToQueues_(e)}processGPUPromotions_(){let e=this;function t(t){e.freeChunkGPUMemory(t),t.source.chunkManager.queueManager.updateChunkState(t,z.SYSTEM_MEMORY)}let n=this.gpuMemoryPromotionQueue.candidates(),r=this.gpuMemoryEvictionQueue.candidates(),i=this.gpuMemoryCapacity;for(;;){let e=n.next().value;if(e===void 0)break;let a=e.priorityTier,o=e.priority;if(!Lr(e.gpuMemoryBytes,i,a,o,r,t))break;this.copyChunkToGPU(e),this.updateChunkState(e,z.GPU_MEMORY)}}freeChunkGPUMemory(e){++this.gpuMemoryGeneration,this.rpc.invoke(`Chunk.update`,{id:e.key,state:z.SYSTEM_MEMORY,source:e.source.rpcId})}freeChunkSystemMemory(e){e.state===z.SYSTEM_MEMORY_WORKER?e.freeSystemMemory():this.rpc.invoke(`Chunk.update`,{id:e.key,state:z.EXPIRED,source:e.source.rpcId})}retrieveChunkData(e){return this.rpc.promiseInvoke(`Chunk.retrieve`,{key:e.key,source:e.source.rpcId})}copyChunkToGPU(e){++this.gpuMemoryGeneration;let t=this.rpc;if(e.state===z.SYSTEM_MEMORY)t.invoke(`Chunk.update`,{id:e.key,source:e.source.rpcId,state:z.GPU_MEMORY});else{let n={},r=[];e.serialize(n,r),n.state=z.GPU_MEMORY,t.invoke(`Chunk.update`,n,r)}}moveChunkToFrontend(e){let t=this.rpc,n={},r=[];e.serialize(n,r),n.state=z.SYSTEM_MEMORY,t.invoke(`Chunk.update`,n,r)}processQueuePromotions_(){let e=e=>{switch(e.state){case z.DOWNLOADING:jr(e);break;case z.GPU_MEMORY:this.freeChunkGPUMemory(e);case z.SYSTEM_MEMORY_WORKER:case z.SYSTEM_MEMORY:this.freeChunkSystemMemory(e)}this.updateChunkState(e,z.QUEUED)},t=(t,n,r)=>{let i=this.systemMemoryEvictionQueue.candidates(),a=this.systemMemoryCapacity;for(;;){let o=t.next();if(o.done)return;let s=o.value,c=s.priorityTier,l=s.priority;if(!Lr(0,r,c,l,n,e)||!Lr(0,a,c,l,i,e))return;this.updateChunkState(s,z.DOWNLOADING),Ar(s)}};for(let e=0;e<2;++e)t(this.queuedDownloadPromotionQueue[e].candidates(),this.downloadEvictionQueue[e].candidates(),this.downloadCapacity[e]);t(this.queuedComputePromotionQueue.candidates(),this.computeEvictionQueue.candidates(),this.computeCapacity)}process(){if(!this.updatePending)return;this.updatePending=null;let e=this.gpuMemoryGeneration;this.processGPUPromotions_(),this.processQueuePromotions_(),this.logStatistics(),this.gpuMemoryGeneration!==e&&this.gpuMemoryChanged.dispatch()}logStatistics(){}invalidateSourceCache(e){for(let t of e.chunks.values()){switch(t.state){case z.DOWNLOADING:jr(t);break;case z.SYSTEM_MEMORY_WORKER:t.freeSystemMemory()}this.updateChunkState(t,z.QUEUED)}this.rpc.invoke(`Chunk.update`,{source:e.rpcId}),this.scheduleUpdate()}};zr=Cr([R(`ChunkQueueManager`)],zr);var Br=class extends Nt{chunkManagerGeneration=-1;numVisibleChunksNeeded=0;numVisibleChunksAvailable=0;numPrefetchChunksNeeded=0;numPrefetchChunksAvailable=0};let Vr=class extends Nt{queueManager;existingTierChunks=[];newTierChunks=[];updatePending=null;recomputeChunkPriorities=new st;recomputeChunkPrioritiesLate=new st;memoize=new vr;layers=[];sendLayerChunkStatistics=this.registerCancellable(et(()=>{this.rpc.invoke(`ChunkManager.chunkLayerStatistics`,{id:this.rpcId,layers:this.layers.map(e=>({id:e.rpcId,numVisibleChunksAvailable:e.numVisibleChunksAvailable,numVisibleChunksNeeded:e.numVisibleChunksNeeded,numPrefetchChunksAvailable:e.numPrefetchChunksAvailable,numPrefetchChunksNeeded:e.numPrefetchChunksNeeded}))})},200));constructor(e,t){super(e,t),this.queueManager=e.get(t.chunkQueueManager).addRef(),this.registerDisposer(this.queueManager.gpuMemoryChanged.add(this.registerCancellable(et(()=>this.scheduleUpdateChunkPriorities(),200,{leading:!1,trailing:!0}))));for(let e=B.FIRST_TIER;e<=B.LAST_TIER;++e)e!==B.RECENT&&(this.existingTierChunks[e]=[])}scheduleUpdateChunkPriorities(){this.updatePending===null&&(this.updatePending=setTimeout(this.recomputeChunkPriorities_.bind(this),0))}registerLayer(e){let t=this.recomputeChunkPriorities.count;e.chunkManagerGeneration!==t&&(e.chunkManagerGeneration=t,this.layers.push(e),e.numVisibleChunksAvailable=0,e.numVisibleChunksNeeded=0,e.numPrefetchChunksAvailable=0,e.numPrefetchChunksNeeded=0)}recomputeChunkPriorities_(){this.updatePending=null,this.layers.length=0,this.recomputeChunkPriorities.dispatch(),this.recomputeChunkPrioritiesLate.dispatch(),this.updateQueueState([B.VISIBLE,B.PREFETCH]),this.sendLayerChunkStatistics()}requestChunk(e,t,n,r=z.GPU_MEMORY){if(Number.isNaN(n))return;if(t===B.RECENT)throw Error(`Not going to request a chunk with the RECENT tier`);e.newRequestedState=Math.min(e.newRequestedState,r),e.newPriorityTier===B.RECENT&&this.newTierChunks.push(e);let i=e.newPriorityTier;(t<i||t===i&&n>e.newPriority)&&(e.newPriorityTier=t,e.newPriority=n)}updateQueueState(e){let t=this.existingTierChunks,n=this.queueManager;for(let r of e){let e=t[r];for(let t of e)t.newPriorityTier===B.RECENT&&n.performChunkPriorityUpdate(t);e.length=0}let r=this.newTierChunks;for(let e of r)n.performChunkPriorityUpdate(e),t[e.priorityTier].push(e);r.length=0,this.queueManager.scheduleUpdate()}};Vr=Cr([R(`ChunkManager`)],Vr);function Hr(e,t){let n=class extends e{parameters;constructor(...e){super(...e);let t=e[1];this.parameters=t.parameters}};return n=Cr([Ft(t.RPC_ID)],n),n}function Ur(e){return class extends e{chunkManager;constructor(...e){super(...e);let t=e[0],n=e[1];this.chunkManager=t.get(n.chunkManager)}}}L(`ChunkSource.invalidate`,function(e){let t=this.get(e.id);t.chunkManager.queueManager.invalidateSourceCache(t)}),Ot(`ChunkQueueManager.requestChunkStatistics`,function(e){let t=this.get(e.queue),n=/* @__PURE__ */ new Map;for(let e of t.sources)n.set(e.rpcId,e.statistics);return Promise.resolve({value:n})});
/**
* @license
* Copyright 2017 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var Wr=class extends it{};function Gr(e){let t,n;return async(r,i)=>((n===void 0||r!==void 0&&t?.generation===r.generation)&&(t=void 0,n=yr(async n=>(t=await e(r,n),t))),n(i??{}))}var Kr=class extends it{constructor(e){super(),this.base=e}memoize=new vr;getCredentialsProvider(e,t){return this.memoize.get({key:e,parameters:t},()=>this.registerDisposer(this.base.getCredentialsProvider(e,t).addRef()))}},qr=Object.defineProperty,Jr=Object.getOwnPropertyDescriptor,Yr=(e,t,n,r)=>{
/**
* @license
* Copyright 2017 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
/**
* @license
* Copyright 2017 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
for(var i=r>1?void 0:r?Jr(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&qr(t,n,i),i};let Xr=class extends Nt{get=Gr((e,t)=>this.rpc.promiseInvoke(`CredentialsProvider.get`,{providerId:this.rpcId,invalidCredentials:e},{signal:t.signal,progressListener:t.progressListener}))};Xr=Yr([R(`CredentialsProvider`)],Xr);function Zr(){return e=>class extends e{credentialsProvider;constructor(...e){super(...e);let t=e[1];this.credentialsProvider=this.rpc.getOptionalRef(t.credentialsProvider)}}}var Qr=class extends Wr{constructor(e,t,n,r){super(),this.rpc=e,this.managerId=t,this.key=n,this.parameters=r}get=Gr((e,t)=>this.rpc.promiseInvoke(`CredentialsManager.get`,{managerId:this.managerId,key:this.key,parameters:this.parameters,invalidCredentials:e},{signal:t.signal,progressListener:t.progressListener}))};let $r=class extends Nt{impl=new Kr(this.makeBaseCredentialsManager());makeBaseCredentialsManager(){return{getCredentialsProvider:(e,t)=>new Qr(this.rpc,this.rpcId,e,t)}}getCredentialsProvider(e,t){return this.impl.getCredentialsProvider(e,t)}};$r=Yr([R(`CredentialsManager`)],$r);
/**
* @license
* Copyright 2019 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function ei(e,t){return e<t?-1:+(e>t)}
/**
* @license
* Copyright 2023 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var ti=class extends Error{constructor(e,t){super(`${e.getUrl()} not found`,t)}};async function ni(e,t,n={}){return ri(new oi(e,t),n)}async function ri(e,t={}){let n=await e.read(t);if(t?.throwIfMissing===!0&&n===void 0)throw new ti(e);if(t?.strictByteRange===!0&&n!==void 0){let{byteRange:r}=t,{offset:i,length:a}=n;if(r!==void 0&&(`suffixLength`in r?a!==r.suffixLength:i!==r.offset||a!==void 0&&a!==r.length))throw Error(`Received truncated response for ${e.getUrl()}, expected ${JSON.stringify(r)} but received offset=${i}, length=${a}`)}return n}function ii(e,t,n,r){switch(r){case`suffix`:{let n=t.length;return{directories:e.directories.map(e=>e.substring(n)),entries:e.entries.map(({key:e,...t})=>({...t,key:e.substring(n)}))}}case`url`:return{directories:e.directories.map(e=>n.getUrl(e)),entries:e.entries.map(({key:e,...t})=>({...t,key:n.getUrl(e)}))};default:return e}}async function ai(e,t,n={}){if(!e.list)throw Error(`Listing not supported`);return ii(await e.list(t,n),t,e,n.responseKeys)}var oi=class{constructor(e,t){this.store=e,this.key=t}stat(e){return this.store.stat(this.key,e)}read(e){return this.store.read(this.key,e)}getUrl(){return this.store.getUrl(this.key)}};function si(e){return e.entries.sort(({key:e},{key:t})=>ei(e,t)),e.directories.sort(ei),e}
/**
* @license
* Copyright 2024 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function ci(e){let t=e.match(/^((?:.*?\|)?)([a-zA-Z][a-zA-Z0-9-+.]*)(?:(:[^?#|]*)((?:[?#][^|]*)?))?$/);if(t===null)throw Error(`Invalid URL: ${e}`);let[,n,r,i,a]=t;return i===void 0?`${n}${r}:`:i===`:`||i.endsWith(`/`)?e:`${n}${r}${i}/${a??``}`}function li(e){return e.match(/.*?([^|]*)$/)[1]}const ui=/^(?:([a-zA-Z][a-zA-Z0-9-+.]*):)?(.*)$/;function di(e){let t=e.match(ui),n=t[1],r=t[2];return n===void 0?{url:e,scheme:e,suffix:void 0}:{url:e,scheme:n,suffix:r}}function fi(e){return e.split(`|`).map(di)}function pi(e,...t){let[,n,r]=e.match(/^(.*?[^|?#]*)([^|]*)$/);for(let e of t)e.startsWith(`/`)&&(e=e.substring(1)),e!==``&&(n=ci(n),n+=xi(e));return n+r}function mi(e,...t){for(let n of t)n.startsWith(`/`)&&(n=n.substring(1)),n!==``&&(e=hi(e),e+=n);return e}function hi(e){return bi(e)||(e+=`/`),e}function gi(e){let{suffix:t}=e;if(t!==void 0&&t.match(/[#?]/))throw Error(`Invalid URL ${e.url}: query parameters and/or fragment not supported`)}function _i(e){if(e.suffix)throw Error(`Invalid URL syntax ${JSON.stringify(e.url)}, expected "${e.scheme}:"`)}function vi(e){let[,t,n]=e.match(/^(.*?[^|?#]*)([^|]*)$/);return{base:t,queryAndFragment:n}}function yi(e,t){let n=e;e.endsWith(`/`)&&(e=e.substring(0,e.length-1));for(let r of t.split(`/`))if(r!==``&&r!==`.`){if(r===`..`){let r=e.lastIndexOf(`/`);if(r<=0)throw Error(`Invalid relative path ${JSON.stringify(t)} from base path ${JSON.stringify(n)}`);e=e.substring(0,r)}else e!==``&&(e+=`/`),e+=r}return t.endsWith(`/`)&&(e+=`/`),e}function bi(e){return e===``||e.endsWith(`/`)}function xi(e){return encodeURI(e).replace(/[?#@]/g,e=>`%${e.charCodeAt(0).toString(16).toUpperCase()}`)}function Si(e,t){let{base:n,queryAndFragment:r}=vi(e);return n+xi(t)+r}function Ci(e){let t=new URL(e);if(t.hash)throw Error(`fragment not supported`);if(t.username||t.password)throw Error(`basic auth credentials not supported`);return{baseUrl:`${t.origin}/${t.search}`,path:decodeURIComponent(t.pathname.substring(1))}}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function wi(e){return async t=>{let n=[],r=await Promise.allSettled(e.map(e=>e.match(t)));for(let e of r)e.status===`fulfilled`&&n.push(...e.value);return n}}function Ti(e){let t=/* @__PURE__ */ new Set,n=/* @__PURE__ */ new Set;for(let r of e){let{fileNames:e,subDirectories:i}=r;if(e!==void 0)for(let n of e)t.add(n);if(i!==void 0)for(let e of i)n.add(e)}return{fileNames:t,subDirectories:n,match:wi(e)}}function Ei(e){let t=0,n=0;for(let r of e)t=Math.max(t,r.prefixLength),n=Math.max(n,r.suffixLength);return{prefixLength:t,suffixLength:n,match:wi(e)}}var Di=class{directorySpecs=[];fileSpecs=[];_directorySpec;_fileSpec;registerDirectoryFormat(e){this.directorySpecs.push(e),this._directorySpec=void 0}registerFileFormat(e){this.fileSpecs.push(e),this._fileSpec=void 0}copyTo(e){e.directorySpecs.push(...this.directorySpecs),e.fileSpecs.push(...this.fileSpecs),e._fileSpec=void 0,e._directorySpec=void 0}get directorySpec(){return this._directorySpec??=this.getDirectorySpec()}getDirectorySpec(){return Ti(this.directorySpecs)}get fileSpec(){return this._fileSpec??=this.getFileSpec()}getFileSpec(){let{fileSpecs:e}=this;return Ei([...e])}},Oi=class{baseKvStoreProviders=/* @__PURE__ */ new Map;kvStoreAdapterProviders=/* @__PURE__ */ new Map;autoDetectRegistry=new Di;getKvStore(e){
/**
* @license
* Copyright 2024 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
let t=fi(e),n;{let e=t[0];n=this.getBaseKvStoreProvider(e).getKvStore(e)}for(let e=1;e<t.length;++e)n=this.applyKvStoreAdapterUrl(n,t[e]);return n}getFileHandle(e){let{store:t,path:n}=this.getKvStore(e);return new oi(t,n)}getBaseKvStoreProvider(e){let t=this.baseKvStoreProviders.get(e.scheme);if(t===void 0){let t=this.describeProtocolUsage(e.scheme),n=`Invalid base kvstore protocol "${e.scheme}:"`;throw t!==void 0&&(n+=`; ${t}`),Error(n)}return t}getKvStoreAdapterProvider(e){let t=this.kvStoreAdapterProviders.get(e.scheme);if(t===void 0){let t=this.describeProtocolUsage(e.scheme),n=`Invalid kvstore adapter protocol "${e.scheme}:"`;throw t!==void 0&&(n+=`; ${t}`),n+=`; supported schemes: ${JSON.stringify(Array.from(this.kvStoreAdapterProviders.keys()))}`,Error(n)}return t}applyKvStoreAdapterUrl(e,t){return this.getKvStoreAdapterProvider(t).getKvStore(t,e)}describeProtocolUsage(e){if(this.baseKvStoreProviders.has(e))return`"${e}:" may only be used as a base kvstore protocol`;if(this.kvStoreAdapterProviders.has(e))return`"${e}:" may only be used as a kvstore adapter protocol`}stat(e,t={}){let n=this.getKvStore(e);return n.store.stat(n.path,t)}read(e,t={}){let n=this.getKvStore(e);return ni(n.store,n.path,t)}list(e,t={}){let n=this.getKvStore(e);return ai(n.store,n.path,t)}resolveRelativePath(e,t){let n=this.getKvStore(e);return n.store.getUrl(yi(n.path,t))}},ki=class{baseKvStoreProviders=[];kvStoreAdapterProviders=[];autoDetectRegistry=new Di;registerBaseKvStoreProvider(e){
/**
* @license
* Copyright 2024 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
this.baseKvStoreProviders.push(e)}registerKvStoreAdapterProvider(e){this.kvStoreAdapterProviders.push(e)}applyToContext(e){let{kvStoreContext:t}=e;for(let n of[`baseKvStoreProviders`,`kvStoreAdapterProviders`]){let r=t[n];for(let t of this[n]){let n=t(e),{scheme:i}=n;if(r.has(i))throw Error(`Duplicate kvstore scheme ${i}`);r.set(i,n)}}this.autoDetectRegistry.copyTo(e.kvStoreContext.autoDetectRegistry)}};const Ai=new ki,ji=`SharedKvStoreContext.list`
/**
* @license
* Copyright 2024 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
;var Mi=Object.defineProperty,Ni=Object.getOwnPropertyDescriptor,Pi=(e,t,n,r)=>{for(var i=r>1?void 0:r?Ni(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&Mi(t,n,i),i};
/**
* @license
* Copyright 2024 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
let Fi=class extends Nt{kvStoreContext;chunkManager;credentialsManager;constructor(e,t){super(e,t),this.chunkManager=e.get(t.chunkManager),this.credentialsManager=e.get(t.credentialsManager),this.kvStoreContext=new Oi,Ai.applyToContext(this),Ii.applyToContext(this)}};Fi=Pi([R(`SharedKvStoreContext`)],Fi);const Ii=new ki;function Li(e){return class extends e{sharedKvStoreContext;constructor(...e){super(...e);let t=e[1];this.sharedKvStoreContext=this.rpc.get(t.sharedKvStoreContext)}}}
/**
* @license
* Copyright 2019 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
/**
* @license
* Copyright 2019 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var Ri=Object.defineProperty,zi=Object.getOwnPropertyDescriptor,Bi=(e,t,n,r)=>{for(var i=r>1?void 0:r?zi(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&Ri(t,n,i),i},Vi=class extends it{constructor(e){super(),this.view=e}state=void 0},Hi=class extends Br{attachments=/* @__PURE__ */ new Map;attach(e){}};L(`rendered_view.addLayer`,function(e){let t=this.get(e.view),n=this.get(e.layer),r=new Vi(t);n.attachments.set(t,r),n.attach(r)}),L(`rendered_view.removeLayer`,function(e){let t=this.get(e.view),n=this.get(e.layer),r=n.attachments.get(t);n.attachments.delete(t),r.dispose()});let Ui=class extends Nt{value;oldValue;changed=new ot;constructor(e,t){super(e,t),this.value=t.value,this.oldValue=Object.assign({},this.value)}};Ui=Bi([R(`SharedProjectionParameters`)],Ui),L(`SharedProjectionParameters.changed`,function(e){let t=this.get(e.id),{value:n,oldValue:r}=t;Object.assign(r,n),Object.assign(n,e.value),t.changed.dispatch(r,n)});
/**
* @license
* Copyright 2019 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function Wi(e,t,n){for(let r=0;r<n;++r){let i=t*r;e.fill(0,i,i+n),e[i+r]=1}return e}function Gi(e,t,n=t){return Wi(new e(t*n),t,Math.min(t,n))}function Ki(e,t,n,r,i,a){for(let o=0;o<a;++o){let a=o*r,s=o*t;for(let t=0;t<i;++t)e[s+t]=n[a+t]}return e}let qi;function Ji(e,t,n){let r=1;(qi===void 0||qi.length<n)&&(qi=new Uint32Array(n));for(let e=0;e<n;++e)qi[e]=e;for(let i=0;i<n;++i){let a=t*i,o=i;{let t=Math.abs(e[a+i]);for(let r=i+1;r<n;++r){let n=Math.abs(e[a+r]);n>t&&(t=n,o=r)}}if(i!==o){r*=-1;for(let r=0;r<n;++r){let n=t*r,a=e[n+i];e[n+i]=e[n+o],e[n+o]=a}{let e=qi[i];qi[i]=qi[o],qi[o]=e}}let s=e[a+i],c=1/s;r*=s;for(let r=0;r<n;++r)e[t*r+i]*=c;e[a+i]=c;for(let r=0;r<n;++r){if(r===i)continue;let a=-e[t*i+r];for(let o=0;o<n;++o){let n=t*o;e[n+r]+=a*e[n+i]}e[t*i+r]=a*c}}for(let r=0;r<n;++r){let i=qi[r];for(;i!==r;){let a=t*r,o=t*i;for(let t=0;t<n;++t){let n=a+t,r=o+t,i=e[n];e[n]=e[r],e[r]=i}let s=qi[r]=qi[i];qi[i]=i,i=s}}return r}function Yi(e,t,n,r,i){return Ki(e,t,n,r,i,i),Ji(e,t,i)}
/**
* @license
* Copyright 2019 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const Xi=[{prefix:`Y`,exponent:24,longPrefix:`yotta`},{prefix:`Z`,exponent:21,longPrefix:`zetta`},{prefix:`E`,exponent:18,longPrefix:`exa`},{prefix:`P`,exponent:15,longPrefix:`peta`},{prefix:`T`,exponent:12,longPrefix:`tera`},{prefix:`G`,exponent:9,longPrefix:`giga`},{prefix:`M`,exponent:6,longPrefix:`mega`},{prefix:`k`,exponent:3,longPrefix:`kilo`},{prefix:``,exponent:0,longPrefix:``},{prefix:`m`,exponent:-3,longPrefix:`milli`},{prefix:`µ`,exponent:-6,longPrefix:`micro`},{prefix:`n`,exponent:-9,longPrefix:`nano`},{prefix:`p`,exponent:-12,longPrefix:`pico`},{prefix:`f`,exponent:-15,longPrefix:`femto`},{prefix:`a`,exponent:-18,longPrefix:`atto`},{prefix:`z`,exponent:-21,longPrefix:`zepto`},{prefix:`y`,exponent:-24,longPrefix:`yocto`},{prefix:`h`,exponent:2,longPrefix:`hecto`},{prefix:`da`,exponent:1,longPrefix:`deca`},{prefix:`d`,exponent:-1,longPrefix:`deci`},{prefix:`c`,exponent:-2,longPrefix:`centi`}],Zi=[{prefix:`u`,exponent:-6},...Xi],Qi=/* @__PURE__ */ new Map;Qi.set(``,{unit:``,exponent:0});const $i=/* @__PURE__ */ new Map;for(let{prefix:e,exponent:t}of Zi){$i.set(t,e);for(let n of[`m`,`s`,`Hz`,`rad/s`])Qi.set(`${e}${n}`,{unit:n,exponent:t})}
/**
* @license
* Copyright 2019 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function ea(e,t,n){let r=e.length;for(let i=0;i<r;++i)e[i]=t[i]+n[i];return e}function ta(e,t,n){let r=e.length;for(let i=0;i<r;++i)e[i]=t[i]*n[i];return e}function na(e){let t=1;for(let n=0,r=e.length;n<r;++n)t*=e[n];return t}function ra(e,t,n){let r=e.length;for(let i=0;i<r;++i)e[i]=Math.min(t[i],n[i]);return e}function ia(e,t,n){let r=e.length;for(let i=0;i<r;++i)e[i]=Math.max(t[i],n[i]);return e}const aa=/* @__PURE__ */ new Float64Array;
/**
* @license
* Copyright 2019 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function oa(e){let{names:t,units:n,scales:r}=e,{valid:i=!0,rank:a=t.length,timestamps:o=t.map(()=>-1/0),ids:s=t.map((e,t)=>-t),boundingBoxes:c=[]}=e,{coordinateArrays:l=Array(a)}=e,{bounds:u=la(c,a)}=e;return{valid:i,rank:a,names:t,timestamps:o,ids:s,units:n,scales:r,boundingBoxes:c,bounds:u,coordinateArrays:l}}oa({valid:!1,names:[],units:[],scales:aa,boundingBoxes:[]}),oa({valid:!0,names:[],units:[],scales:aa,boundingBoxes:[]});function sa(e,t,n){let{box:{lowerBounds:r,upperBounds:i},transform:a}=e,o=r.length,s=n,c=a[s*o+t],l=c,u=c,d=!1;for(let e=0;e<o;++e){let n=a[s*e+t];if(n===0)continue;let o=n*r[e],c=n*i[e];l+=Math.min(o,c),u+=Math.max(o,c),d=!0}if(d)return{lower:l,upper:u}}const ca=.001;function la(e,t){let n=new Float64Array(t),r=new Float64Array(t);n.fill(-1/0),r.fill(1/0);let i=Array(t);i.fill(0);let a=Array(t);a.fill(0);for(let o of e)for(let e=0;e<t;++e){let s=sa(o,e,t);if(s===void 0)continue;let{lower:c,upper:l}=s;if(Number.isFinite(c)&&Number.isFinite(l)){let t,n,r,o;Math.abs(c-(t=Math.round(c)))<ca&&Math.abs(l-(n=Math.round(l)))<ca?(++a[e],c=t,l=n):Math.abs(c-(r=Math.floor(c))-.5)<ca&&Math.abs(l-(o=Math.floor(l))-.5)<ca&&(++i[e],c=r+.5,l=o+.5)}n[e]=n[e]===-1/0?c:Math.min(n[e],c),r[e]=r[e]===1/0?l:Math.max(r[e],l)}return{lowerBounds:n,upperBounds:r,voxelCenterAtIntegerCoordinates:a.map((e,t)=>i[t]>0&&e===0)}}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
/**
* @license
* Copyright 2017 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
V(),wn();function ua(e,t){return Pn(e.globalDimensionNames,t.globalDimensionNames)&&Pn(e.displayDimensionIndices,t.displayDimensionIndices)&&Pn(e.canonicalVoxelFactors,t.canonicalVoxelFactors)&&Pn(e.voxelPhysicalScales,t.voxelPhysicalScales)&&e.canonicalVoxelPhysicalSize===t.canonicalVoxelPhysicalSize&&Pn(e.displayDimensionUnits,t.displayDimensionUnits)&&Pn(e.displayDimensionScales,t.displayDimensionScales)}function da(e,t){let n=e.displayDimensionRenderInfo;return n===t?!0:ua(n,t)?(e.displayDimensionRenderInfo=t,!0):!1}
/**
* @license
* Copyright 2024 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use viewer file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
/**
* @license
* Copyright 2019 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
/**
* @license
* Copyright 2019 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function fa(e,t,n,r,i){let a=t.length,o=n.length,s=e.length,c=!0;for(let l=0;l<r;++l){let u=l,d=0;for(let e=0;e<a;++e)d+=i[u+e*r]*t[e];u+=a*r;for(let e=0;e<o;++e)d+=i[u+e*r]*n[e];d+=i[u+o*r],l<s?e[l]=d:(d<0||d>=1)&&(c=!1)}return c}function pa(e,t,n){e.fill(0),e[15]=1;let r=!0,{displayDimensionIndices:i}=t,{globalToRenderLayerDimensions:a,modelToRenderLayerTransform:o}=n,s=n.rank;for(let t=0;t<3;++t){let n=i[t];if(n===-1){r=!1;continue}let c=a[n];if(c===-1)r=!1;else{e[t+12]=o[c+s*(s+1)];for(let n=0;n<3;++n)e[t+4*n]=o[c+(s+1)*n]}}if(!r){let{globalDimensionNames:e}=t,r=Array.from(i.filter(e=>e!==-1),t=>e[t]).join(`,\xA0`);throw Error(`Transform from model dimensions (${n.modelDimensionNames.join(`,\xA0`)}) to display dimensions (${r}) does not have full rank`)}}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var ma=class e{size;transform;invTransform;detTransform;finiteRank;constructor(e,t,n){this.size=on(e),this.transform=$t(t),this.finiteRank=n;let r=Qt(),i=Yi(r,4,t,4,4);if(i===0)throw Error(`Transform is singular`);this.invTransform=r,this.detTransform=i}toObject(){return{size:this.size,transform:this.transform,finiteRank:this.finiteRank}}static fromObject(t){return new e(t.size,t.transform,t.finiteRank)}globalToLocalSpatial(e,t){return vn(e,t,this.invTransform)}localSpatialVectorToGlobal(e,t){return Bn(e,t,this.transform)}globalToLocalNormal(e,t){return Vn(e,t,this.transform)}},U=/* @__PURE__ */ (e=>(e[e.UINT8=0]=`UINT8`,e[e.INT8=1]=`INT8`,e[e.UINT16=2]=`UINT16`,e[e.INT16=3]=`INT16`,e[e.UINT32=4]=`UINT32`,e[e.INT32=5]=`INT32`,e[e.UINT64=6]=`UINT64`,e[e.FLOAT32=7]=`FLOAT32`,e))(U||{})
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
;const ha={0:1,1:1,2:2,3:2,4:4,5:4,6:8,7:4},ga={0:Uint8Array,1:Int8Array,2:Uint16Array,3:Int16Array,4:Uint32Array,5:Int32Array,6:BigUint64Array,7:Float32Array};function _a(e,t,n=0,r=t.byteLength){let i=ha[e];return new ga[e](t,n,r/i)}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const va=Qt();function ya(e,t){let n=0,r=Math.abs(e.detTransform),{transform:i,size:a}=e;for(let e=0;e<3;++e){let o=0;for(let n=0;n<3;++n)o+=t[n*4+2]*i[4*e+n];let s=a[e];n+=Math.abs(o)*s,r*=s}return r/n}function ba(e,t,n){let{curPositionInChunks:r,fixedPositionWithinChunk:i}=e,{nonDisplayLowerClipBound:a,nonDisplayUpperClipBound:o}=e,{rank:s,chunkDataSize:c,lowerChunkBound:l,upperChunkBound:u}=e.source.spec;if(!fa(r,t,n,e.layerRank,e.fixedLayerToChunkTransform))return!1;let d=.001;for(let e=0;e<s;++e){let t=r[e];if(t<a[e]-d||t>o[e]+d)return!1;let n=c[e],s=r[e]=Math.min(u[e]-1,Math.max(l[e],Math.floor(t/n)));i[e]=t-s*n}return!0}function xa(e,t){let n=t.length,r=0;if(n>1){let i=0;for(let a=0;a<n;++a){let{chunkLayout:n}=t[a],o=ya(n,e);o>i&&(i=o,r=a)}}return r}const Sa=new ma(V(),Qt(),0);function Ca(e,t){if(e.displayDimensionRenderInfo!==t.displayDimensionRenderInfo||e.pixelSize!==t.pixelSize)return!0;let{viewMatrix:n}=e,{viewMatrix:r}=t;for(let e=0;e<12;++e)if(n[e]!==r[e])return!0;return!1}var wa=class extends jt{constructor(e){super(),this.projectionParameters=e,this.registerDisposer(e.changed.add((e,t)=>{Ca(e,t)&&this.invalidateVisibleSources(),this.invalidateVisibleChunks()}))}visibleLayers=/* @__PURE__ */ new Map;visibleSourcesStale=!0;invalidateVisibleSources(){this.visibleSourcesStale=!0}invalidateVisibleChunks(){}updateVisibleSources(){if(!this.visibleSourcesStale)return;this.visibleSourcesStale=!1;let e=this.projectionParameters.value.displayDimensionRenderInfo,{visibleLayers:t}=this;for(let[n,r]of t){let{allSources:t,visibleSources:i}=r;if(i.length=0,t.length===0||!da(r,e))continue;let a=t[xa(this.projectionParameters.value.viewMatrix,t.map(e=>e[0]))];for(let e of n.filterVisibleSources(this,a))i.push(e);i.reverse()}}};function*Ta(e,t,n){let r=e.projectionParameters.value.pixelSize*1.1,i=n[0].effectiveVoxelSize,a=t.renderScaleTarget.value,o=e=>{let t=r*a;for(let n=0;n<3;++n){let r=e[n];if(r>t&&r>1.01*i[n])return!0}return!1},s=(e,t)=>{let n=r*a;for(let r=0;r<3;++r){let i=e[r],a=t[r];if(Math.abs(n-i)<Math.abs(n-a)&&i<1.01*a)return!0}return!1},c=n.length-1,l;for(;;){let e=n[c];if(l!==void 0&&!s(e.effectiveVoxelSize,l)||(yield e,c===0)||!o(e.effectiveVoxelSize))break;l=e.effectiveVoxelSize,--c}}const Ea=/* @__PURE__ */ new Float32Array(3),Da=/* @__PURE__ */ new Float32Array(3),Oa=Qt(),ka=/* @__PURE__ */ new Float32Array(24);function Aa(e,t,n,r){let i=Ea,a=Da,{lowerChunkDisplayBound:o,upperChunkDisplayBound:s}=t;for(let e=0;e<3;++e)i[e]=Math.max(i[e],o[e]),a[e]=Math.min(a[e],s[e]);let{curPositionInChunks:c,chunkDisplayDimensionIndices:l}=t;function u(){if(!r(i[0],i[1],i[2],a[0],a[1],a[2],e))return;let t=0,o=Math.max(0,a[0]-i[0]),s=o;for(let e=1;e<3;++e){let n=Math.max(0,a[e]-i[e]);s*=n,n>o&&(o=n,t=e)}if(s===0)return;if(s===1){c[l[0]]=i[0],c[l[1]]=i[1],c[l[2]]=i[2],n(i,e);return}let d=i[t],f=a[t],p=Math.floor(.5*(d+f));a[t]=p,u(),a[t]=f,i[t]=p,u(),i[t]=d}u()}function ja(e,t,n,r){if(!ba(n,e.globalPosition,t))return;let{size:i}=n.chunkLayout,a=rn(Oa,e.viewProjectionMat,n.chunkLayout.transform);for(let e=0;e<3;++e){let t=i[e];for(let n=0;n<4;++n)a[4*e+n]*=t}let o=ka;Wn(o,a);let s=Ea,c=Da;s.fill(-1/0),c.fill(1/0),Aa(o,n,r,Gn)}function Ma(e,t,n,r,i){if(!ba(n,e.globalPosition,t))return;let{size:a}=r,o=rn(Oa,e.viewProjectionMat,r.transform);for(let e=0;e<3;++e){let t=a[e];for(let n=0;n<4;++n)o[4*e+n]*=t}let{upperChunkDisplayBound:s}=n,c=va;nn(c,o);let l=Ea,u=Da;for(let e=0;e<3;++e){let t=c[12+e]+1e-4/a[e],n=Math.abs(c[e]),r=Math.abs(c[4+e]),i=s[e],o=t-n-r;o=o>=i&&o<i+.001?i-1:Math.floor(o),l[e]=o,u[e]=Math.floor(t+n+r+1)}let d=ka;for(let e=0;e<3;++e){let t=o[4*e],n=o[4*e+1],r=o[4*e+2];d[e]=t,d[4+e]=-t,d[8+e]=+n,d[12+e]=-n,d[16+e]=+r,d[20+e]=-r}{let e=o[12],t=o[13],n=o[14];d[3]=1+e,d[7]=1-e,d[11]=1+t,d[15]=1-t,d[19]=n,d[23]=-n}Aa(d,n,i,Kn)}function Na(e,t){let{finiteRank:n}=t;if(n===3)return t;Sa.finiteRank=n,ln(Sa.size,t.size);let r=en(Sa.transform,t.transform),i=en(Sa.invTransform,t.invTransform);Sa.detTransform=t.detTransform;let{invViewMatrix:a,width:o,height:s}=e,c=Jn(e.projectionMat);for(let e=n;e<3;++e){let t=a[12+e],n=t,i=t,l=Math.abs(a[e]*o);n-=l,i+=l;let u=Math.abs(a[e+4]*s);n-=u,i+=u;let d=Math.abs(a[e+8]*c);n-=d,i+=d;let f=Math.max(1,i-n);r[12+e]=n,r[5*e]=f}return nn(i,r),Sa}
/**
* @license
* Copyright 2020 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function Pa(e){let t=1/(1+.3275911*Math.abs(e)),n=1-((((1.061405429*t+-1.453152027)*t+1.421413741)*t+-.284496736)*t+.254829592)*t*Math.exp(-e*e);return Math.sign(e)*n}
/**
* @license
* Copyright 2019 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var Fa=class{constructor(e=50,t=1e3){this.velocityHalfLifeMilliseconds=e,this.modelHalfLifeMilliseconds=t}lastTime=-1/0;rank=0;numSamples=0;prevPosition=/* @__PURE__ */ new Float32Array;velocity=/* @__PURE__ */ new Float32Array;mean=/* @__PURE__ */ new Float32Array;variance=/* @__PURE__ */ new Float32Array;reset(e){this.lastTime=-1/0,this.rank=e,this.numSamples=0,this.velocity=new Float32Array(e),this.prevPosition=new Float32Array(e),this.mean=new Float32Array(e),this.variance=new Float32Array(e)}addSample(e,t=Date.now()){let n=e.length;n!==this.rank&&this.reset(n);let r=this.numSamples;if(++this.numSamples,this.numSamples===0){this.prevPosition.set(e),this.lastTime=t;return}let i=t-this.lastTime;this.lastTime=t;let a=1-2**-(i/this.velocityHalfLifeMilliseconds),o=1-2**-(i/this.modelHalfLifeMilliseconds),{velocity:s,prevPosition:c,mean:l,variance:u}=this;for(let t=0;t<n;++t){let n=(e[t]-c[t])/Math.max(i,1);c[t]=e[t];let d=s[t],f=s[t]=d+a*(n-d);if(r===1)l[t]=f;else{let e=l[t],n=u[t],r=f-e;l[t]=e+o*r,u[t]=(1-o)*(n+o*r*r)}}}};
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function Ia(e){return class extends e{visibility;constructor(...e){super(...e);let t=e[0],n=e[1];this.visibility=t.get(n.visibility),this.registerDisposer(this.visibility.changed.add(()=>this.chunkManager.scheduleUpdateChunkPriorities()))}}}function La(e){return e===1/0?B.VISIBLE:B.PREFETCH}function Ra(e){return e===1/0?0:e*0x9184e72a000}var za=Object.defineProperty,Ba=Object.getOwnPropertyDescriptor,Va=(e,t,n,r)=>{for(var i=r>1?void 0:r?Ba(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&za(t,n,i),i};
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const Ha=-0xe8d4a51000,Ua=1e9,Wa=V(),Ga=V(),Ka=V();var qa=class extends wa{constructor(e,t){super(e.get(t.projectionParameters)),this.initializeSharedObject(e,t.id)}};function Ja(e){for(let t of e)for(let e of t)e.source.dispose()}const Ya=Ia(Ur(qa));let Xa=class extends Ya{velocityEstimator=new Fa;constructor(e,t){super(e,t),this.registerDisposer(this.chunkManager.recomputeChunkPriorities.add(()=>{this.updateVisibleChunks()})),this.registerDisposer(this.projectionParameters.changed.add(()=>{this.velocityEstimator.addSample(this.projectionParameters.value.globalPosition)}))}invalidateVisibleChunks(){super.invalidateVisibleChunks(),this.chunkManager.scheduleUpdateChunkPriorities()}handleLayerChanged=()=>{this.chunkManager.scheduleUpdateChunkPriorities()};updateVisibleChunks(){let e=this.projectionParameters.value,t=this.chunkManager,n=this.visibility.value;if(n===-1/0)return;this.updateVisibleSources();let{centerDataPosition:r}=e,i=La(n),a=Ra(n);a+=Ha;let o=Ga,s=Ka,c=[];this.velocityEstimator.addSample(this.projectionParameters.value.globalPosition);for(let[n,l]of this.visibleLayers){t.registerLayer(n);let{visibleSources:u}=l;for(let l=0,d=u.length;l<d;++l){let d=u[l],f=t.queueManager.enablePrefetch.value?io(this.velocityEstimator,d):[],{chunkLayout:p}=d;p.globalToLocalSpatial(o,r);let{size:m,finiteRank:h}=p;ln(s,m);for(let e=h;e<3;++e)s[e]=0,o[e]=0;let g=a+Ua*l;c.length=0;let _=Tr();if(Ma(e,d.renderLayer.localPosition.value,d,Na(e,d.chunkLayout),e=>{fn(Wa,e,s);let r=-mn(o,Wa),{curPositionInChunks:a}=d,l=d.source.getChunk(a);t.requestChunk(l,i,g+r),++n.numVisibleChunksNeeded,l.state===z.GPU_MEMORY&&++n.numVisibleChunksAvailable,c.push(l),l.markGeneration=_}),f.length!==0){let{curPositionInChunks:e}=d;for(let r of c){e.set(r.chunkGridPosition);for(let r=0,i=f.length;r<i;){let i=f[r],a=f[r+2],o=f[r+3],s=f[r+4],c=f[r+5],l=e[i],u=l+f[r+1];if(u<a||u>o){r=c;continue}e[i]=u;let p=d.source.getChunk(e);e[i]=l,p.markGeneration===_?r=c:(t.requestChunk(p,B.PREFETCH,g+s),++n.numPrefetchChunksNeeded,p.state===z.GPU_MEMORY&&++n.numPrefetchChunksAvailable,r+=ro)}}}}}}removeVisibleLayer(e){let{visibleLayers:t}=this,n=t.get(e);t.delete(e),Ja(n.allSources),e.renderScaleTarget.changed.remove(this.invalidateVisibleSources),e.localPosition.changed.remove(this.handleLayerChanged),this.invalidateVisibleSources()}addVisibleLayer(e,t,n){let r=this.visibleLayers.get(e);r===void 0?(r={allSources:t,visibleSources:[],displayDimensionRenderInfo:n},this.visibleLayers.set(e,r),e.renderScaleTarget.changed.add(()=>this.invalidateVisibleSources()),e.localPosition.changed.add(this.handleLayerChanged)):(Ja(r.allSources),r.allSources=t,r.visibleSources.length=0,r.displayDimensionRenderInfo=n),this.invalidateVisibleSources()}disposed(){for(let e of this.visibleLayers.keys())this.removeVisibleLayer(e);super.disposed()}invalidateVisibleSources(){super.invalidateVisibleSources(),this.chunkManager.scheduleUpdateChunkPriorities()}};Xa=Va([R(`SliceView`)],Xa);function Za(e,t,n){return t.map(t=>t.map(t=>{let r=e.getRef(t.source),i=t.chunkLayout,{rank:a}=r.spec;return{renderLayer:n,source:r,chunkLayout:ma.fromObject(i),layerRank:t.layerRank,nonDisplayLowerClipBound:t.nonDisplayLowerClipBound,nonDisplayUpperClipBound:t.nonDisplayUpperClipBound,lowerClipBound:t.lowerClipBound,upperClipBound:t.upperClipBound,lowerClipDisplayBound:t.lowerClipDisplayBound,upperClipDisplayBound:t.upperClipDisplayBound,lowerChunkDisplayBound:t.lowerChunkDisplayBound,upperChunkDisplayBound:t.upperChunkDisplayBound,effectiveVoxelSize:t.effectiveVoxelSize,chunkDisplayDimensionIndices:t.chunkDisplayDimensionIndices,fixedLayerToChunkTransform:t.fixedLayerToChunkTransform,combinedGlobalLocalToChunkTransform:t.combinedGlobalLocalToChunkTransform,curPositionInChunks:new Float32Array(a),fixedPositionWithinChunk:new Uint32Array(a)}}))}L(`SliceView.addVisibleLayer`,function(e){let t=this.get(e.id),n=this.get(e.layerId),r=Za(this,e.sources,n);t.addVisibleLayer(n,r,e.displayDimensionRenderInfo)}),L(`SliceView.removeVisibleLayer`,function(e){let t=this.get(e.id),n=this.get(e.layerId);t.removeVisibleLayer(n)});var Qa=class extends Er{chunkGridPosition;source=null;initializeVolumeChunk(e,t){super.initialize(e),this.chunkGridPosition=Float32Array.from(t)}serialize(e,t){super.serialize(e,t),e.chunkGridPosition=this.chunkGridPosition}downloadSucceeded(){super.downloadSucceeded()}freeSystemMemory(){}toString(){return this.source.toString()+`:`+zn(this.chunkGridPosition)}},$a=class extends kr{spec;constructor(e,t){super(e,t),this.spec=t.spec}getChunk(e){let t=e.join(),n=this.chunks.get(t);return n===void 0&&(n=this.getNewChunk_(this.chunkConstructor),n.initializeVolumeChunk(t,e),this.addChunk(n)),n}};let eo=class extends Nt{renderScaleTarget;localPosition;numVisibleChunksNeeded;numVisibleChunksAvailable;numPrefetchChunksNeeded;numPrefetchChunksAvailable;chunkManagerGeneration;constructor(e,t){super(e,t),this.renderScaleTarget=e.get(t.renderScaleTarget),this.localPosition=e.get(t.localPosition),this.numVisibleChunksNeeded=0,this.numVisibleChunksAvailable=0,this.numPrefetchChunksAvailable=0,this.numPrefetchChunksNeeded=0,this.chunkManagerGeneration=-1}filterVisibleSources(e,t){return Ta(e,this,t)}};eo=Va([R(`sliceview/RenderLayer`)],eo);const to=2e3,no=.05,ro=6;function io(e,t){let n=[],r=e.rank,{combinedGlobalLocalToChunkTransform:i,layerRank:a}=t,{rank:o,chunkDataSize:s}=t.source.spec,{mean:c,variance:l}=e;for(let e=0;e<o;++e){let o=t.chunkDisplayDimensionIndices.includes(e),u=0,d=0;for(let t=0;t<r;++t){let n=c[t],r=l[t],o=i[t*a+e];u+=o*n,d+=o*o*r}if(u>.1)continue;let f=s[e],p=o?0:t.fixedPositionWithinChunk[e]/f,m=u/f*to,h=Math.sqrt(2*d)/f*to;if(Math.abs(m)<.001&&h<.001)continue;h=Math.max(1e-6,h);let g=e=>.5*(1+Pa((e-m)/h)),_=t.curPositionInChunks[e],v=Math.floor(t.lowerClipBound[e]/f),y=Math.ceil(t.upperClipBound[e]/f)-1,b=n.length;for(let t=1;t<=32&&!(!o&&_+t>y);++t){let r=1-g(t-p);if(r<no)break;n.push(e,t,v,y,r,0)}let x=n.length;for(let e=b,t=n.length;e<t;e+=6)n[e+6-1]=x;b=x;for(let t=1;t<=32&&!(!o&&_-t<v);++t){let r=g(-t+1-p);if(r<no)break;n.push(e,-t,v,y,r,0)}x=n.length;for(let e=b,t=n.length;e<t;e+=6)n[e+6-1]=x}return n}Ot(`ChunkManager.requestChunk`,async function(e,t){let n=this.get(e.source),{chunkManager:r}=n,i=n.getChunk(e.chunkGridPosition),a=i.key;if(i.state<=z.SYSTEM_MEMORY)return{value:void 0};if(i.state===z.FAILED)throw i.error;let o=r.recomputeChunkPriorities.add(()=>{r.requestChunk(i,B.VISIBLE,1/0,z.SYSTEM_MEMORY)});r.scheduleUpdateChunkPriorities();let s,c=new Promise((e,t)=>{s=n=>{n.state===z.FAILED?t(n.error):n.state<=z.SYSTEM_MEMORY&&e()}});n.registerChunkListener(a,s);try{return await pt(c,t.signal),{value:void 0}}finally{n.unregisterChunkListener(a,s),o(),r.scheduleUpdateChunkPriorities()}})
/**
* @license
* Copyright 2018 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
;
/**
* @license
* Copyright 2018 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var ao=Object.defineProperty,oo=Object.getOwnPropertyDescriptor,so=(e,t,n,r)=>{for(var i=r>1?void 0:r?oo(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&ao(t,n,i),i};let co=class extends Nt{visibility;projectionParameters;constructor(...e){super(...e);let t=e[0],n=e[1];this.visibility=t.get(n.visibility),this.projectionParameters=t.get(n.projectionParameters)}};co=so([R(`perspective_view/PerspectiveView`)],co);var lo=class extends Hi{};
/**
* @license
* Copyright 2020 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const uo=Xt();function fo(e,t,n,r,i,a){if(r.length===0)return;let{viewMatrix:o,projectionMat:s,displayDimensionRenderInfo:c}=e,{voxelPhysicalScales:l}=c,u=Rn(l),d=Jn(s),f=(d/n)**3,p=Zt(Un(uo,o)),m={spatialScales:/* @__PURE__ */ new Map,activeIndex:-1},h=e=>{let t=r[e];return Math.abs(t.chunkLayout.detTransform*p)},g=r.length-1,_=h(g);for(let e=g;e>=0;--e){let t=h(e),n=Math.cbrt(t*u/p),r=d/Math.cbrt(t);m.spatialScales.set(n,r),t-f>=0&&(_=t,g=e),m.activeIndex=g}let v=Math.cbrt(_*u/p),y=d/Math.cbrt(_),b=!0,x=r[g];ja(e,t,x,(e,t)=>{b&&=(i(x,g,v,y,t,m),!1),a(x,g,e)})}
/**
* @license
* Copyright 2020 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var po=Object.defineProperty,mo=Object.getOwnPropertyDescriptor,ho=(e,t,n,r)=>{for(var i=r>1?void 0:r?mo(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&po(t,n,i),i};const go=V(),_o=V(),vo=V(),yo=V();let bo=class extends Ur(Hi){localPosition;renderScaleTarget;constructor(e,t){super(e,t),this.renderScaleTarget=e.get(t.renderScaleTarget),this.localPosition=e.get(t.localPosition);let n=()=>this.chunkManager.scheduleUpdateChunkPriorities();this.registerDisposer(this.localPosition.changed.add(n)),this.registerDisposer(this.renderScaleTarget.changed.add(n)),this.registerDisposer(this.chunkManager.recomputeChunkPriorities.add(()=>this.recomputeChunkPriorities()))}attach(e){let t=()=>this.chunkManager.scheduleUpdateChunkPriorities(),{view:n}=e;e.registerDisposer(t),e.registerDisposer(n.projectionParameters.changed.add(t)),e.registerDisposer(n.visibility.changed.add(t)),e.state={displayDimensionRenderInfo:n.projectionParameters.value.displayDimensionRenderInfo,transformedSources:[]}}recomputeChunkPriorities(){for(let e of this.attachments.values()){let{view:t}=e,n=t.visibility.value;if(n===-1/0)continue;let r=e.state,{transformedSources:i}=r;if(i.length===0||!da(r,t.projectionParameters.value.displayDimensionRenderInfo))continue;let a=t.projectionParameters.value,o=La(n),s=Ra(n);s+=Ha;let c=_o,l=vo,u=yo,{globalPosition:d,displayDimensionRenderInfo:{displayDimensionIndices:f}}=a;for(let e=0;e<3;++e){let t=f[e];u[e]=t===-1?0:d[t]}let p,{chunkManager:m}=this;m.registerLayer(this),fo(a,this.localPosition.value,this.renderScaleTarget.value,i[0],(e,t)=>{let{chunkLayout:n}=e;n.globalToLocalSpatial(c,u);let{size:r,finiteRank:a}=n;ln(l,r);for(let e=a;e<3;++e)l[e]=0,c[e]=0;let o=i[0].length-1-t;p=s+Ua*o},(e,t,n)=>{fn(go,n,l);let r=-mn(c,go),i=e.source.getChunk(e.curPositionInChunks);++this.numVisibleChunksNeeded,m.requestChunk(i,o,p+r),i.state===z.GPU_MEMORY&&++this.numVisibleChunksAvailable})}}};bo=ho([R(`volume_rendering/VolumeRenderingRenderLayer`)],bo),L(`volume_rendering/VolumeRenderingRenderLayer/update`,function(e){let t=this.get(e.view),n=this.get(e.layer),r=n.attachments.get(t);r.state.transformedSources=Za(this,e.sources,n),r.state.displayDimensionRenderInfo=e.displayDimensionRenderInfo,n.chunkManager.scheduleUpdateChunkPriorities()});
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const xo=`annotation.commit`,So=Xt();function Co(e,t,n,r,i,a){let{displayDimensionRenderInfo:o,viewMatrix:s,projectionMat:c,width:l,height:u}=e,{voxelPhysicalScales:d}=o,f=Math.abs(Zt(Un(So,s))),p=Rn(d),m=qn(c)/f*p;if(r.length===0)return;let h=r[0],g=Math.abs(h.chunkLayout.detTransform)*p,{lowerClipDisplayBound:_,upperClipDisplayBound:v}=h;for(let e=0;e<3;++e)g*=v[e]-_[e];let y=Math.min(g,m),b=l*u,x=b/n**2/y,S=0;for(let n=r.length-1;n>=0&&S<x;--n){let o=r[n],s=o.source.spec,{chunkLayout:c}=o,l=Rn(c.size)*Math.abs(c.detTransform)*p,{limit:u,rank:d}=s,{nonDisplayLowerClipBound:f,nonDisplayUpperClipBound:m}=o,h=1;for(let e=0;e<d;++e){let t=m[e]-f[e];Number.isFinite(t)&&(h/=t)}let g=u*h/l,_=!0,v=S+g,C=(1/v)**(1/3),w=Math.sqrt(b/(v*y)),T=(x-S)*l/h,E=Math.min(1,T/s.limit);ja(e,t,o,()=>{_&&=(i(o,n),!1),a(o,n,E,C,w)}),S=v}}
/**
* @license
* Copyright 2020 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var wo=/* @__PURE__ */ (e=>(e[e.MIN_REPRESENTATIVE=0]=`MIN_REPRESENTATIVE`,e[e.MAX_REPRESENTATIVE=1]=`MAX_REPRESENTATIVE`,e[e.REPRESENTATIVE_EXCLUDED=2]=`REPRESENTATIVE_EXCLUDED`,e[e.NONREPRESENTATIVE_EXCLUDED=4]=`NONREPRESENTATIVE_EXCLUDED`,e))(wo||{}),To=class{constructor(e){
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
this.value=e,this.min=e}rank=0;parent=this;next=this;prev=this;min};function Eo(e){let t=e,n=e.parent;for(;n!==e;)e=n,n=e.parent;for(e=t.parent;n!==e;)t.parent=n,t=e,e=t.parent;return n}function Do(e,t){let n=e.rank,r=t.rank;return n>r?(t.parent=e,e):(e.parent=t,n===r&&(t.rank=r+1),t)}function Oo(e,t){let n=e.prev,r=t.prev;t.prev=n,n.next=t,e.prev=r,r.next=e}function*ko(e){let t=e;do yield t.value,t=t.next;while(t!==e)}function Ao(e){return e.parent===e}var jo=class{map=/* @__PURE__ */ new Map;visibleSegmentEquivalencePolicy=new ct(wo.MIN_REPRESENTATIVE);generation=0;has(e){return this.map.has(e)}get(e){let t=this.map.get(e);return t===void 0?e:Eo(t).min}isMinElement(e){return e===this.get(e)}makeSet(e){let{map:t}=this,n=t.get(e);return n===void 0?(n=new To(e),t.set(e,n),n):Eo(n)}link(e,t){let n=this.makeSet(e),r=this.makeSet(t);if(n===r)return!1;this.generation++;let i=Do(n,r);Oo(n,r);let a=n.min,o=r.min,s=(this.visibleSegmentEquivalencePolicy.value&wo.MAX_REPRESENTATIVE)!==0;return i.min=a<o===s?o:a,!0}linkAll(e){for(let t=1,n=e.length;t<n;++t)this.link(e[0],e[t])}deleteSet(e){let{map:t}=this,n=!1;for(let r of this.setElements(e))t.delete(r),n=!0;return n&&++this.generation,n}*setElements(e){let t=this.map.get(e);t===void 0?yield e:yield*ko(t)}clear(){let{map:e}=this;return e.size!==0&&(++this.generation,e.clear(),!0)}get size(){return this.map.size}*mappings(){for(let e of this.map.values())yield[e.value,Eo(e).min]}*roots(){for(let e of this.map.values())Ao(e)&&(yield e.value)}[Symbol.iterator](){return this.mappings()}toJSON(){let e=[];for(let t of this.map.values())if(Ao(t)){let n=[];for(let e of ko(t))n.push(e);n.sort(Kt),e.push(n)}return e.sort((e,t)=>Kt(e[0],t[0])),e.map(e=>e.map(e=>e.toString()))}},Mo=Object.defineProperty,No=Object.getOwnPropertyDescriptor,Po=(e,t,n,r)=>{
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
for(var i=r>1?void 0:r?No(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&Mo(t,n,i),i};const Fo=`DisjointUint64Sets.add`,Io=`DisjointUint64Sets.clear`,Lo=`DisjointUint64Sets.highBitRepresentativeChanged`,Ro=`DisjointUint64Sets.deleteSet`;let zo=class extends Nt{disjointSets=new jo;changed=new st;get value(){return this}static makeWithCounterpart(e,t){let n=new zo;return n.disjointSets.visibleSegmentEquivalencePolicy=t,n.registerDisposer(t.changed.add(()=>{Bo(n)})),n.initializeCounterpart(e),t.value&&Bo(n),n}link(e,t){if(this.disjointSets.link(e,t)){let{rpc:n}=this;return n&&n.invoke(Fo,{id:this.rpcId,a:e,b:t}),this.changed.dispatch(),!0}return!1}linkAll(e){for(let t=1,n=e.length;t<n;++t)this.link(e[0],e[t])}has(e){return this.disjointSets.has(e)}get(e){return this.disjointSets.get(e)}clear(){if(this.disjointSets.clear()){let{rpc:e}=this;e&&e.invoke(Io,{id:this.rpcId}),this.changed.dispatch()}}setElements(e){return this.disjointSets.setElements(e)}deleteSet(e){if(this.disjointSets.deleteSet(e)){let{rpc:t}=this;t&&t.invoke(Ro,{id:this.rpcId,x:e}),this.changed.dispatch()}}get size(){return this.disjointSets.size}toJSON(){return this.disjointSets.toJSON()}restoreState(e){e!==void 0&&sr(e,e=>{let t;sr(e,e=>{let n=gr(e);t!==void 0&&this.link(t,n),t=n})})}assignFrom(e){this.clear(),e instanceof zo&&(e=e.disjointSets);for(let[t,n]of e)this.link(t,n)}};zo=Po([R(`DisjointUint64Sets`)],zo),L(Fo,function(e){let t=this.get(e.id);t.disjointSets.link(e.a,e.b)&&t.changed.dispatch()}),L(Io,function(e){let t=this.get(e.id);t.disjointSets.clear()&&t.changed.dispatch()});function Bo(e){e.rpc.invoke(Lo,{id:e.rpcId,value:e.disjointSets.visibleSegmentEquivalencePolicy.value})}L(Lo,function(e){let t=this.get(e.id);t.disjointSets.visibleSegmentEquivalencePolicy.value=e.value}),L(Ro,function(e){let t=this.get(e.id);t.disjointSets.deleteSet(e.x)&&t.changed.dispatch()})
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
;function Vo(e,t){return t>>>=0,e>>>=0,t=Math.imul(t,3432918353)>>>0,t=(t<<15|t>>>17)>>>0,t=Math.imul(t,461845907)>>>0,e=(e^t)>>>0,e=(e<<13|e>>>19)>>>0,e=e*5+3864292196>>>0,e}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function Ho(e=128){let t=Math.ceil(e/32),n=new Uint32Array(t);crypto.getRandomValues(n);let r=``;for(let e=0;e<t;++e)r+=(`00000000`+n[e].toString(16)).slice(-8);return r}function Uo(e){let t=new Uint8Array(e.buffer,e.byteOffset,e.byteLength),n=65536;for(let e=0,r=t.length;e<r;e+=n)crypto.getRandomValues(t.subarray(e,Math.min(r,e+n)));return e}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
let Wo=0n,Go=0n;var Ko=class e{constructor(t=e.generateHashSeeds(3)){this.hashSeeds=t;let n=8;for(;n<2*t.length;)n*=2;this.allocate(n)}loadFactor=.8;size=0;table;tableSize;empty=18446744073709551615n;maxRehashAttempts=5;maxAttempts=5;capacity;generation=0;mungedEmptyKey;updateHashFunctions(t){this.hashSeeds=e.generateHashSeeds(t),this.mungedEmptyKey=void 0}tableWithMungedEmptyKey(e){let t=this.hashSeeds.length,n=Array(t);for(let e=0;e<t;++e)n[e]=this.getHash(e,this.empty);let{mungedEmptyKey:r}=this;if(r===void 0)chooseMungedEmptyKey:for(;;){r=Jt();for(let e=0;e<t;++e){let i=this.getHash(e,r);for(let e=0;e<t;++e)if(n[e]===i)continue chooseMungedEmptyKey}this.mungedEmptyKey=r;break}let{table:i,empty:a}=this;for(let e=0;e<t;++e){let t=n[e];i[t]===a&&(i[t]=r)}try{e(i)}finally{for(let e=0;e<t;++e){let t=n[e];i[t]===r&&(i[t]=a)}}}static generateHashSeeds(e=3){return Uo(new Uint32Array(e))}getHash(e,t){let n=this.hashSeeds[e];return n=Vo(n,Number(t&4294967295n)),n=Vo(n,Number(t>>32n)),this.entryStride*(n&this.tableSize-1)}*keys(){let{empty:e,entryStride:t}=this,{table:n}=this;for(let r=0,i=n.length;r<i;r+=t){let t=n[r];t!==e&&(yield t)}}indexOf(e){let{table:t,empty:n}=this;if(e===n)return-1;for(let n=0,r=this.hashSeeds.length;n<r;++n){let r=this.getHash(n,e);if(t[r]===e)return r}return-1}chooseAnotherEmptyKey(){let{empty:e,table:t,entryStride:n}=this,r;for(;r=Jt(),r===e||this.has(r););this.empty=r;for(let i=0,a=t.length;i<a;i+=n)t[i]===e&&(t[i]=r)}has(e){return this.indexOf(e)!==-1}delete(e){let t=this.indexOf(e);if(t!==-1){let{table:e}=this;return e[t]=this.empty,++this.generation,this.size--,!0}return!1}clearTable(){let{table:e,empty:t}=this;e.fill(t)}clear(){return this.size!==0&&(this.size=0,++this.generation,this.clearTable(),!0)}reserve(e){return e>this.capacity&&(this.backupPending(),this.grow(e),this.restorePending(),!0)}swapPending(e,t){let n=Wo;this.storePending(e,t),e[t]=n}storePending(e,t){Wo=e[t]}backupPending(){Go=Wo}restorePending(){Wo=Go}tryToInsert(){let e=0,{empty:t,maxAttempts:n,table:r}=this,i=this.hashSeeds.length,a=Math.floor(Math.random()*i);for(;;){let o=this.getHash(a,Wo);if(this.swapPending(r,o),Wo===t)return!0;if(++e===n)break;a=(a+Math.floor(Math.random()*(i-1))+1)%i}return!1}allocate(e){this.tableSize=e;let{entryStride:t}=this;this.table=new BigUint64Array(e*t),this.maxAttempts=e,this.clearTable(),this.capacity=e*this.loadFactor,this.mungedEmptyKey=void 0}rehash(e,t){this.allocate(t),this.updateHashFunctions(this.hashSeeds.length);let{empty:n,entryStride:r}=this;for(let t=0,i=e.length;t<i;t+=r)if(e[t]!==n&&(this.storePending(e,t),!this.tryToInsert()))return!1;return!0}grow(e){let t=this.table,{tableSize:n}=this;for(;n<e;)n*=2;for(;;){for(let e=0;e<this.maxRehashAttempts;++e)if(this.rehash(t,n))return;n*=2}}insertInternal(){for(++this.generation,Wo===this.empty&&this.chooseAnotherEmptyKey(),++this.size>this.capacity&&(this.backupPending(),this.grow(this.tableSize*2),this.restorePending());!this.tryToInsert();)this.backupPending(),this.grow(this.tableSize),this.restorePending()}},qo=class extends Ko{add(e){return!this.has(e)&&(Wo=e,this.insertInternal(),!0)}[Symbol.iterator](){return this.keys()}};qo.prototype.entryStride=1;let Jo=0n,Yo=0n;var Xo=class extends Ko{set(e,t){return!this.has(e)&&(Wo=e,Jo=t,this.insertInternal(),!0)}get(e){let t=this.indexOf(e);if(t!==-1)return this.table[t+1]}swapPending(e,t){let n=Jo;super.swapPending(e,t),e[t+1]=n}storePending(e,t){super.storePending(e,t),Jo=e[t+1]}backupPending(){super.backupPending(),Yo=Jo}restorePending(){super.restorePending(),Jo=Yo}[Symbol.iterator](){return this.entries()}*entries(){let{empty:e,entryStride:t}=this,{table:n}=this;for(let r=0,i=n.length;r<i;r+=t){let t=n[r];t!==e&&(yield[t,n[r+1]])}}};Xo.prototype.entryStride=2;
/**
* @license
* This work is a derivative of the Google Neuroglancer project,
* Copyright 2016 Google Inc.
* The Derivative Work is covered by
* Copyright 2019 Howard Hughes Medical Institute
*
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var Zo=Object.defineProperty,Qo=Object.getOwnPropertyDescriptor,$o=(e,t,n,r)=>{for(var i=r>1?void 0:r?Qo(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&Zo(t,n,i),i};let es=class extends Nt{hashTable=new Xo;changed=new ot;get value(){return this}static makeWithCounterpart(e){let t=new es;return t.initializeCounterpart(e),t}set_(e,t){return this.hashTable.set(e,t)}set(e,t){if(this.set_(e,t)){let{rpc:n}=this;n&&n.invoke(`Uint64Map.set`,{id:this.rpcId,key:e,value:t}),this.changed.dispatch(e,!0)}}has(e){return this.hashTable.has(e)}get(e){return this.hashTable.get(e)}[Symbol.iterator](){return this.hashTable.entries()}delete_(e){return this.hashTable.delete(e)}delete(e){if(this.delete_(e)){let{rpc:t}=this;t&&t.invoke(`Uint64Map.delete`,{id:this.rpcId,key:e}),this.changed.dispatch(e,!1)}}get size(){return this.hashTable.size}assignFrom(e){this.clear();for(let[t,n]of e)this.set(t,n)}clear(){if(this.hashTable.clear()){let{rpc:e}=this;e&&e.invoke(`Uint64Map.clear`,{id:this.rpcId}),this.changed.dispatch(null,!1)}}toJSON(){let e={};for(let[t,n]of this.hashTable.entries())e[t.toString()]=n.toString();return e}};es=$o([R(`Uint64Map`)],es),L(`Uint64Map.set`,function(e){let t=this.get(e.id);t.set_(e.key,e.value)&&t.changed.dispatch()}),L(`Uint64Map.delete`,function(e){let t=this.get(e.id);t.delete_(e.key)&&t.changed.dispatch()}),L(`Uint64Map.clear`,function(e){let t=this.get(e.id);t.hashTable.clear()&&t.changed.dispatch()});
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var ts=Object.defineProperty,ns=Object.getOwnPropertyDescriptor,rs=(e,t,n,r)=>{for(var i=r>1?void 0:r?ns(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&ts(t,n,i),i};let is=class extends Nt{hashTable=new qo;changed=new ot;get value(){return this}static makeWithCounterpart(e){let t=new is;return t.initializeCounterpart(e),t}set(e,t){t?this.add(e):this.delete(e)}reserve_(e){return this.hashTable.reserve(e)}reserve(e){if(this.reserve_(e)){let{rpc:t}=this;t&&t.invoke(`Uint64Set.reserve`,{id:this.rpcId,value:e})}}add_(e){let t=!1;for(let n of e)t=this.hashTable.add(n)||t;return t}add(e){let t=typeof e==`bigint`?[e]:e;if(this.add_(t)){let{rpc:n}=this;n&&n.invoke(`Uint64Set.add`,{id:this.rpcId,value:t}),this.changed.dispatch(e,!0)}}has(e){return this.hashTable.has(e)}[Symbol.iterator](){return this.hashTable.keys()}keys(){return this.hashTable.keys()}delete_(e){let t=!1;for(let n of e)t=this.hashTable.delete(n)||t;return t}delete(e){let t=typeof e==`bigint`?[e]:e;if(this.delete_(t)){let{rpc:n}=this;n&&n.invoke(`Uint64Set.delete`,{id:this.rpcId,value:t}),this.changed.dispatch(e,!1)}}get size(){return this.hashTable.size}clear(){if(this.hashTable.clear()){let{rpc:e}=this;e&&e.invoke(`Uint64Set.clear`,{id:this.rpcId}),this.changed.dispatch(null,!1)}}toJSON(){let e=[];for(let t of this.keys())e.push(t.toString());return e.sort(),e}assignFrom(e){this.clear();for(let t of e.keys())this.add(t)}};is=rs([R(`Uint64Set`)],is),L(`Uint64Set.reserve`,function(e){let t=this.get(e.id);t.reserve_(e.value)&&t.changed.dispatch()}),L(`Uint64Set.add`,function(e){let t=this.get(e.id);t.add_(e.value)&&t.changed.dispatch()}),L(`Uint64Set.delete`,function(e){let t=this.get(e.id);t.delete_(e.value)&&t.changed.dispatch()}),L(`Uint64Set.clear`,function(e){let t=this.get(e.id);t.hashTable.clear()&&t.changed.dispatch()});
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const as=[`visibleSegments`,`segmentEquivalences`,`temporaryVisibleSegments`,`temporarySegmentEquivalences`,`useTemporaryVisibleSegments`,`useTemporarySegmentEquivalences`];function os(e,t,n){e.registerDisposer(t.visibleSegments.changed.add(n)),e.registerDisposer(t.segmentEquivalences.changed.add(n))}function ss(e,t,n){e.registerDisposer(t.temporaryVisibleSegments.changed.add(n)),e.registerDisposer(t.temporarySegmentEquivalences.changed.add(n)),e.registerDisposer(t.useTemporaryVisibleSegments.changed.add(n)),e.registerDisposer(t.useTemporarySegmentEquivalences.changed.add(n))}function cs(e){return e.toString()}function ls(e){return(e&9223372036854775808n)!=0n}function us(e){return e.useTemporaryVisibleSegments.value?e.temporaryVisibleSegments:e.visibleSegments}function ds(e){return e.useTemporarySegmentEquivalences.value?e.temporarySegmentEquivalences:e.segmentEquivalences}function fs(e,t){let n=us(e),r=ds(e),i=r.disjointSets.visibleSegmentEquivalencePolicy.value;for(let e of n.keys())if(i&wo.NONREPRESENTATIVE_EXCLUDED)t(e,r.get(e));else{if(!r.disjointSets.isMinElement(e))continue;for(let n of r.setElements(e))i&wo.REPRESENTATIVE_EXCLUDED&&i&wo.MAX_REPRESENTATIVE&&ls(n)||t(n,e)}}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function ps(e,t,n={}){for(let r of as)n[r]=e.get(t[r]);return n}const ms=e=>class extends e{visibleSegments;selectedSegments;segmentEquivalences;temporaryVisibleSegments;temporarySegmentEquivalences;useTemporaryVisibleSegments;useTemporarySegmentEquivalences;transform;renderScaleTarget;constructor(...e){let[t,n]=e;super(t,n),ps(t,n,this),this.transform=t.get(n.transform),this.renderScaleTarget=t.get(n.renderScaleTarget);let r=()=>{this.chunkManager.scheduleUpdateChunkPriorities()};ss(this,this,r),os(this,this,r),this.registerDisposer(this.transform.changed.add(r)),this.registerDisposer(this.renderScaleTarget.changed.add(r))}};
/**
* @license
* Copyright 2018 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var hs=Object.defineProperty,gs=Object.getOwnPropertyDescriptor,_s=(e,t,n,r)=>{for(var i=r>1?void 0:r?gs(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&hs(t,n,i),i},vs=class extends Er{annotation;freeSystemMemory(){this.annotation=void 0}serialize(e,t){super.serialize(e,t),e.annotation=this.annotation}downloadSucceeded(){this.systemMemoryBytes=this.gpuMemoryBytes=0,super.downloadSucceeded()}},ys=class{data;typeToOffset;typeToIds;typeToIdMaps;typeToInstanceCounts;typeToSize;serialize(e,t){e.data=this.data,e.typeToOffset=this.typeToOffset,e.typeToIds=this.typeToIds,e.typeToIdMaps=this.typeToIdMaps,e.typeToInstanceCounts=this.typeToInstanceCounts,e.typeToSize=this.typeToSize,t.push(this.data.buffer)}get numBytes(){return this.data.byteLength}};function bs(e){class t extends e{data;serialize(e,t){super.serialize(e,t);let{data:n}=this;n!==void 0&&(n.serialize(e,t),this.data=void 0)}downloadSucceeded(){let{data:e}=this;this.systemMemoryBytes=this.gpuMemoryBytes=e===void 0?0:e.numBytes,super.downloadSucceeded()}freeSystemMemory(){this.data=void 0}}return t}var xs=class extends bs(Qa){},Ss=class extends bs(Er){objectId};let Cs=class extends kr{parent=void 0;getChunk(e){let{chunks:t}=this,n=t.get(e);return n===void 0&&(n=this.getNewChunk_(vs),n.initialize(e),this.addChunk(n)),n}download(e,t){return this.parent.downloadMetadata(e,t)}};Cs=_s([R(`annotation.MetadataChunkSource`)],Cs);var ws=class extends $a{parent;constructor(e,t){super(e,t),this.parent=e.get(t.parent)}};ws.prototype.chunkConstructor=xs;let Ts=class extends kr{parent=void 0;relationshipIndex;getChunk(e){let t=cs(e),{chunks:n}=this,r=n.get(t);return r===void 0&&(r=this.getNewChunk_(Ss),r.initialize(t),r.objectId=e,this.addChunk(r)),r}download(e,t){return this.parent.downloadSegmentFilteredGeometry(e,this.relationshipIndex,t)}};Ts=_s([R(`annotation.SubsetGeometryChunkSource`)],Ts);var Es=class extends Nt{references=/* @__PURE__ */ new Set;chunkManager;metadataChunkSource;segmentFilteredSources;constructor(e,t){super(e,t);let n=this.chunkManager=e.get(t.chunkManager),r=this.metadataChunkSource=this.registerDisposer(e.getRef(t.metadataChunkSource));this.segmentFilteredSources=t.segmentFilteredSource.map((t,n)=>{let r=this.registerDisposer(e.getRef(t));return r.parent=this,r.relationshipIndex=n,r}),r.parent=this,this.registerDisposer(n.recomputeChunkPriorities.add(()=>this.recomputeChunkPriorities()))}recomputeChunkPriorities(){let{chunkManager:e,metadataChunkSource:t}=this;for(let n of this.references)e.requestChunk(t.getChunk(n),B.VISIBLE,200)}add(e){throw Error(`Not implemented`)}delete(e){throw Error(`Not implemented`)}update(e,t){throw Error(`Not implemented`)}};L(`annotation.reference.add`,function(e){let t=this.get(e.id);t.references.add(e.annotation),t.chunkManager.scheduleUpdateChunkPriorities()}),L(`annotation.reference.delete`,function(e){let t=this.get(e.id);t.references.delete(e.annotation),t.chunkManager.scheduleUpdateChunkPriorities()}),L(`annotation.commit`,function(e){let t=this.get(e.id),n=e.annotationId,r=e.newAnnotation,i;i=n===void 0?t.add(r).then(e=>({...r,id:e})):r===null?t.delete(n).then(()=>null):t.update(n,r).then(()=>r),i.then(e=>{t.wasDisposed||this.invoke(xo,{id:t.rpcId,annotationId:n||r.id,newAnnotation:e})},e=>{t.wasDisposed||this.invoke(xo,{id:t.rpcId,annotationId:n||r?.id,error:e.message})})});let Ds=class extends Ur(Hi){localPosition;renderScaleTarget;constructor(e,t){super(e,t),this.renderScaleTarget=e.get(t.renderScaleTarget),this.localPosition=e.get(t.localPosition);let n=()=>this.chunkManager.scheduleUpdateChunkPriorities();this.registerDisposer(this.localPosition.changed.add(n)),this.registerDisposer(this.renderScaleTarget.changed.add(n)),this.registerDisposer(this.chunkManager.recomputeChunkPriorities.add(()=>this.recomputeChunkPriorities()))}attach(e){let t=()=>this.chunkManager.scheduleUpdateChunkPriorities(),{view:n}=e;e.registerDisposer(t),e.registerDisposer(n.projectionParameters.changed.add(t)),e.registerDisposer(n.visibility.changed.add(t)),e.state={displayDimensionRenderInfo:n.projectionParameters.value.displayDimensionRenderInfo,transformedSources:[]}}recomputeChunkPriorities(){this.chunkManager.registerLayer(this);for(let e of this.attachments.values()){let{view:t}=e,n=t.visibility.value;if(n===-1/0)continue;let r=e.state,{transformedSources:i}=r;if(i.length===0||!da(r,t.projectionParameters.value.displayDimensionRenderInfo))continue;let a=La(n),o=Ra(n),s=t.projectionParameters.value,{chunkManager:c}=this;Co(s,this.localPosition.value,this.renderScaleTarget.value,i[0],()=>{},(e,t)=>{let n=e.source.getChunk(e.curPositionInChunks);++this.numVisibleChunksNeeded,n.state===z.GPU_MEMORY&&++this.numVisibleChunksAvailable,c.requestChunk(n,a,o+0+Ua*t)})}}};Ds=_s([R(`annotation/SpatiallyIndexedRenderLayer`)],Ds),L(`annotation/PerspectiveRenderLayer:updateSources`,function(e){let t=this.get(e.view),n=this.get(e.layer),r=n.attachments.get(t);r.state.transformedSources=Za(this,e.sources,n),r.state.displayDimensionRenderInfo=e.displayDimensionRenderInfo,n.chunkManager.scheduleUpdateChunkPriorities()});let Os=class extends Ia(Ur(Br)){source;segmentationStates;constructor(e,t){super(e,t),this.source=e.get(t.source),this.segmentationStates=new ct(this.getSegmentationState(t.segmentationStates));let n=()=>this.chunkManager.scheduleUpdateChunkPriorities();this.registerDisposer(lt((e,t)=>{if(t!==void 0){for(let r of t)r!=null&&(os(e,r,n),ss(e,r,n));n()}},this.segmentationStates)),this.registerDisposer(this.chunkManager.recomputeChunkPriorities.add(()=>this.recomputeChunkPriorities()))}recomputeChunkPriorities(){let e=this.visibility.value;if(e===-1/0)return;let{segmentationStates:{value:t},source:{segmentFilteredSources:n}}=this;if(t===void 0)return;let{chunkManager:r}=this;r.registerLayer(this);let i=t.length;for(let a=0;a<i;++a){let i=t[a];if(i==null)continue;let o=La(e),s=Ra(e),c=n[a];fs(i,e=>{let t=c.getChunk(e);++this.numVisibleChunksNeeded,t.state===z.GPU_MEMORY&&++this.numVisibleChunksAvailable,r.requestChunk(t,o,s+60)})}}getSegmentationState(e){if(e!==void 0)return e.map(e=>e==null?e:ps(this.rpc,e))}};Os=_s([R(`annotation/RenderLayer`)],Os),L(`annotation/RenderLayer.updateSegmentation`,function(e){let t=this.get(e.id);t.segmentationStates.value=t.getSegmentationState(e.segmentationStates)});
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var ks=class e extends Error{url;status;statusText;response;constructor(e,t,n,r,i){let a=`Fetching ${JSON.stringify(e)} resulted in HTTP error ${t}`;n&&(a+=`: ${n}`),a+=`.`,super(a,i),this.name=`HttpError`,this.message=a,this.url=e,this.status=t,this.statusText=n,r&&(this.response=r)}static fromResponse(t){return new e(t.url,t.status,t.statusText,t)}static fromRequestError(t,n){if(n instanceof TypeError){let r;return r=typeof t==`string`?t:t.url,new e(r,0,`Network or CORS error`,void 0,{cause:n})}return n}};function As(e){return Math.min(2**e*500,5e3)*(1+Math.random())}async function js(e,t){for(let n=0;;){t?.signal?.throwIfAborted();let r;try{r=await fetch(e,t)}catch(t){throw ks.fromRequestError(e,t)}if(!r.ok){let{status:e}=r;if((e===429||e===503||e===504)&&++n!==32){await new Promise(e=>setTimeout(e,As(n-1)));continue}throw ks.fromResponse(r)}return r}}function Ms(e){return e instanceof ks?e.status===0||e.status===403||e.status===404:!1}
/**
* @license
* Copyright 2019 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
async function Ns(e,t,n,r,i){let a;for(let o=0;;){n.signal?.throwIfAborted(),o>1&&await new Promise(e=>setTimeout(e,As(o-2))),a=await e.get(a,{signal:n.signal??void 0,progressListener:n.progressListener});try{return await js(typeof t==`function`?t(a.credentials):t,r(a.credentials,n))}catch(e){if(e instanceof ks&&i(e,a.credentials)===`refresh`){if(++o===3)throw e;continue}throw e}}}function Ps(e,t,n){return(r,i={})=>Ns(e,r,i,t,n)}
/**
* @license
* Copyright 2017 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
async function Fs(e,t,n){return js(t,n).catch(r=>{if(r.status!==500&&r.status!==401&&r.status!==403&&r.status!==504)throw r;return Ns(e,t,n,e=>{let t=new Headers(n.headers);return t.set(`Authorization`,`Bearer ${e}`),{...n,headers:t}},e=>{let{status:t}=e;if(t===403||t===401)return`refresh`;throw e})})}
/**
* @license
* Copyright 2017 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var Is=class{baseUrl;collection;experiment;channel;resolution},Ls=class extends Is{encoding;window;static RPC_ID=`boss/VolumeChunkSource`;static stringify(e){return`boss:volume:${e.baseUrl}/${e.collection}/${e.experiment}/${e.channel}/${e.resolution}/${e.encoding}`}},Rs=class{baseUrl;static RPC_ID=`boss/MeshChunkSource`;static stringify(e){return`boss:mesh:${e.baseUrl}`}},zs=/* @__PURE__ */ (e=>(e[e.float32=0]=`float32`,e[e.uint10=1]=`uint10`,e[e.uint16=2]=`uint16`,e))(zs||{})
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
;
/**
* @license
* Copyright 2019 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function Bs(e,t,n){return e&1|t<<1&2|n<<2&4}function Vs(e,t,n,r){let i=Math.max(t,n,r),a=0,o=0,s=0,c=0;for(let l=0;l<i;++l){if(l<t){let t=Number(e>>BigInt(a++)&BigInt(1));o|=t<<l}if(l<n){let t=Number(e>>BigInt(a++)&BigInt(1));s|=t<<l}if(l<r){let t=Number(e>>BigInt(a++)&BigInt(1));c|=t<<l}}return Uint32Array.of(o,s,c)}function Hs(e,t,n,r,i,a){let o=Math.max(e,t,n),s=0,c=0n;function l(e){c|=BigInt(e)<<BigInt(s++)}for(let s=0;s<o;++s)s<e&&l(r>>s&1),s<t&&l(i>>s&1),s<n&&l(a>>s&1);return c}function Us(e,t){let n=0n,r=0,i=e.length;function a(e){n|=BigInt(e&1)<<BigInt(r++)}for(let n=0;n<32;++n)for(let r=0;r<i;++r)t[r]-1>>>n&&a(e[r]>>>n);return n}function Ws(e,t){return e<t&&e<(e^t)}function Gs(e,t,n,r,i,a){let o=n,s=a;return Ws(o^s,t^i)&&(o=t,s=i),Ws(o^s,e^r)&&(o=e,s=r),o<s}
/**
* @license
* Copyright 2019 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function Ks(e,t,n,r,i,a,o){let{octree:s,lodScales:c,chunkGridSpatialOrigin:l,chunkShape:u}=e,d=c.length-1,f=t[0],p=t[4],m=t[8],h=t[1],g=t[5],_=t[9],v=t[3],y=t[7],b=t[11],x=t[15],S=v>0?0:1,C=y>0?0:1,w=b>0?0:1,T=n[16],E=n[17],D=n[18],O=n[19];function k(e,t,n){return v*e+y*t+b*n+x}function A(e,t,n,r,i,a){return k(e+S*(r-e),t+C*(i-t),n+w*(a-n))}let ee=k(-O*T,-O*E,-O*D),j=e.clipLowerBound[0],M=e.clipLowerBound[1],N=e.clipLowerBound[2],te=e.clipUpperBound[0],ne=e.clipUpperBound[1],re=e.clipUpperBound[2],ie=Math.sqrt((f*i)**2+(h*a)**2),ae=Math.sqrt((p*i)**2+(g*a)**2),oe=Math.sqrt((m*i)**2+(_*a)**2),se=Math.max(ie,ae,oe);function ce(e,t,i){let a=1<<e,d=t*5,f=s[d],p=s[d+1],m=s[d+2],h=s[d+3],g=s[d+4],_=f*a*u[0]+l[0],v=p*a*u[1]+l[1],y=m*a*u[2]+l[2],b=_+a*u[0],x=v+a*u[1],S=y+a*u[2];if(_=Math.max(_,j),v=Math.max(v,M),y=Math.max(y,N),b=Math.min(b,te),x=Math.min(x,ne),S=Math.min(S,re),Gn(_,v,y,b,x,S,n)){let n=Math.max(ee,A(_,v,y,b,x,S))/se;if(i===0||n*r<i){let a=c[e];if(a!==0&&o(e,t,a/n,g>>>31),e>0&&(a===0||n*r<a)){let t=a===0?i:a,n=(g&2147483647)>>>0;for(let r=h;r<n;++r)ce(e-1,r,t)}}}}ce(d,s.length/5-1,0)}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var W=/* @__PURE__ */ (e=>(e[e.LITTLE=0]=`LITTLE`,e[e.BIG=1]=`BIG`,e))(W||{});function qs(){return+(new Uint8Array(Uint16Array.of(4386).buffer)[0]===17)}const Js=qs();function Ys(e){let t=new Uint8Array(e.buffer,e.byteOffset,e.byteLength);for(let e=0,n=t.length;e<n;e+=2){let n=t[e];t[e]=t[e+1],t[e+1]=n}}function Xs(e){let t=new Uint8Array(e.buffer,e.byteOffset,e.byteLength);for(let e=0,n=t.length;e<n;e+=4){let n=t[e];t[e]=t[e+3],t[e+3]=n,n=t[e+1],t[e+1]=t[e+2],t[e+2]=n}}function Zs(e){let t=new Uint8Array(e.buffer,e.byteOffset,e.byteLength);for(let e=0,n=t.length;e<n;e+=8){let n=t[e];t[e]=t[e+7],t[e+7]=n,n=t[e+1],t[e+1]=t[e+6],t[e+6]=n,n=t[e+2],t[e+2]=t[e+5],t[e+5]=n,n=t[e+3],t[e+3]=t[e+4],t[e+4]=n}}function Qs(e,t,n=Js){t!==n&&Ys(e)}function $s(e,t,n=Js){t!==n&&Xs(e)}function ec(e,t,n=Js){t!==n&&Zs(e)}function tc(e,t,n,r=Js){if(t!==r&&n!==1)switch(n){case 2:Ys(e);break;case 4:Xs(e);break;case 8:Zs(e)}}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var nc=Object.defineProperty,rc=Object.getOwnPropertyDescriptor,ic=(e,t,n,r)=>{for(var i=r>1?void 0:r?rc(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&nc(t,n,i),i},ac=class extends Er{objectId=0n;fragmentIds;initializeManifestChunk(e,t){super.initialize(e),this.objectId=t}freeSystemMemory(){this.fragmentIds=null}serialize(e,t){super.serialize(e,t),e.fragmentIds=this.fragmentIds}downloadSucceeded(){this.systemMemoryBytes=100,this.gpuMemoryBytes=0,super.downloadSucceeded(),this.priorityTier<B.RECENT&&this.source.chunkManager.scheduleUpdateChunkPriorities()}toString(){return this.objectId.toString()}};function oc(e,t,n){let{vertexPositions:r,indices:i,vertexNormals:a,strips:o}=e;t.vertexPositions=r,t.indices=i,t.strips=o,t.vertexNormals=a;let s=r.buffer;n.push(s);let c=i.buffer;c!==s&&n.push(c),n.push(a.buffer)}function sc(e){let{vertexPositions:t,indices:n,vertexNormals:r}=e;return t.byteLength+n.byteLength+r.byteLength}var cc=class extends Er{manifestChunk=null;fragmentId=null;meshData=null;initializeFragmentChunk(e,t,n){super.initialize(e),this.manifestChunk=t,this.fragmentId=n}freeSystemMemory(){this.manifestChunk=null,this.meshData=null,this.fragmentId=null}serialize(e,t){super.serialize(e,t),oc(this.meshData,e,t),this.meshData=null}downloadSucceeded(){this.systemMemoryBytes=this.gpuMemoryBytes=sc(this.meshData),super.downloadSucceeded()}};function lc(e,t,n){lr(t),e.fragmentIds=H(t,n,hr)}function uc(e,t){let n=V(),r=V(),i=V(),a=new Float32Array(e.length),o=t.length;for(let s=0;s<o;s+=3){let o=t[s]*3,c=t[s+1]*3,l=t[s+2]*3;for(let t=0;t<3;++t)r[t]=e[c+t]-e[o+t],i[t]=e[l+t]-e[c+t];_n(n,r,i),hn(n,n);for(let e=0;e<3;++e){let r=t[s+e]*3;for(let e=0;e<3;++e)a[r+e]+=n[e]}}let s=a.length;for(let e=0;e<s;e+=3){let t=a.subarray(e,e+3);hn(t,t)}return a}function dc(e){return Math.min(Math.max(-127,e*127+.5),127)>>>0}function fc(e){return e<0?-1:1}function pc(e,t){let n=t.length,r=0;for(let i=0;i<n;i+=3){let n=t[i],a=t[i+1],o=t[i+2],s=1/(Math.abs(n)+Math.abs(a)+Math.abs(o));o<0?(e[r]=dc((1-Math.abs(a*s))*fc(n)),e[r+1]=dc((1-Math.abs(n*s))*fc(a))):(e[r]=dc(n*s),e[r+1]=dc(a*s)),r+=2}}function mc(e,t,n,r,i,a,o){let s=new Float32Array(t,r,i*3);$s(s,n),a===void 0&&(a=r+12*i);let c;o!==void 0&&(c=o*e);let l=c===void 0?new Uint32Array(t,a):new Uint32Array(t,a,c);if(l.length%e!==0)throw Error(`Number of indices is not a multiple of ${e}: ${l.length}.`);return $s(l,n),{vertexPositions:s,indices:l}}function hc(e,t,n,r,i,a){return mc(3,e,t,n,r,i,a)}var gc=class extends kr{fragmentSource;constructor(e,t){super(e,t);let n=this.fragmentSource=this.registerDisposer(e.getRef(t.fragmentSource));n.meshSource=this}getChunk(e){let t=cs(e),n=this.chunks.get(t);return n===void 0&&(n=this.getNewChunk_(ac),n.initializeManifestChunk(t,e),this.addChunk(n)),n}getFragmentKey(e,t){return{key:`${e}/${t}`,fragmentId:t}}getFragmentChunk(e,t){let n=this.fragmentSource,{key:r,fragmentId:i}=this.getFragmentKey(e.key,t),a=n.chunks.get(r);return a===void 0&&(a=n.getNewChunk_(cc),a.initializeFragmentChunk(r,e,i),n.addChunk(a)),a}};let _c=class extends kr{meshSource=null;download(e,t){return this.meshSource.downloadFragment(e,t)}};_c=ic([R(`mesh/FragmentSource`)],_c);let vc=class extends ms(Ia(Ur(lo))){source;constructor(e,t){super(e,t),this.source=this.registerDisposer(e.getRef(t.source)),this.registerDisposer(this.chunkManager.recomputeChunkPriorities.add(()=>{this.updateChunkPriorities()}))}attach(e){let t=()=>{this.chunkManager.scheduleUpdateChunkPriorities()},{view:n}=e;e.registerDisposer(n.visibility.changed.add(t)),e.registerDisposer(t),t()}updateChunkPriorities(){let e=this.visibility.value;if(e===-1/0)return;this.chunkManager.registerLayer(this);let t=La(e),n=Ra(e),{source:r,chunkManager:i}=this;fs(this,e=>{let a=r.getChunk(e);++this.numVisibleChunksNeeded,i.requestChunk(a,t,n+100);let o=a.state;if(o===z.SYSTEM_MEMORY_WORKER||o===z.SYSTEM_MEMORY||o===z.GPU_MEMORY){++this.numVisibleChunksAvailable;for(let e of a.fragmentIds){let o=r.getFragmentChunk(a,e);++this.numVisibleChunksNeeded,i.requestChunk(o,t,n+50),o.state===z.GPU_MEMORY&&++this.numVisibleChunksAvailable}}})}};vc=ic([R(`mesh/MeshLayer`)],vc);var yc=class extends Er{objectId=0n;manifest;initializeManifestChunk(e,t){super.initialize(e),this.objectId=t}freeSystemMemory(){this.manifest=void 0}serialize(e,t){super.serialize(e,t),e.manifest=this.manifest}downloadSucceeded(){this.systemMemoryBytes=this.manifest.octree.byteLength,this.gpuMemoryBytes=0,super.downloadSucceeded(),this.priorityTier<B.RECENT&&this.source.chunkManager.scheduleUpdateChunkPriorities()}toString(){return this.objectId.toString()}},bc=class extends Er{subChunkOffsets=null;meshData=null;lod=0;chunkIndex=0;manifestChunk=null;freeSystemMemory(){this.meshData=this.subChunkOffsets=null}serialize(e,t){super.serialize(e,t),oc(this.meshData,e,t);let{subChunkOffsets:n}=this;e.subChunkOffsets=n,t.push(n.buffer),this.meshData=this.subChunkOffsets=null}downloadSucceeded(){let{subChunkOffsets:e}=this;this.systemMemoryBytes=this.gpuMemoryBytes=sc(this.meshData),this.systemMemoryBytes+=e.byteLength,super.downloadSucceeded()}},xc=class extends kr{fragmentSource;format;constructor(e,t){super(e,t);let n=this.fragmentSource=this.registerDisposer(e.getRef(t.fragmentSource));this.format=t.format,n.meshSource=this}getChunk(e){let t=cs(e),n=this.chunks.get(t);return n===void 0&&(n=this.getNewChunk_(yc),n.initializeManifestChunk(t,e),this.addChunk(n)),n}getFragmentChunk(e,t,n){let r=`${e.key}/${t}:${n}`,i=this.fragmentSource,a=i.chunks.get(r);return a===void 0&&(a=i.getNewChunk_(bc),a.initialize(r),a.lod=t,a.chunkIndex=n,a.manifestChunk=e,i.addChunk(a)),a}};let Sc=class extends kr{meshSource=null;download(e,t){return this.meshSource.downloadFragment(e,t)}};Sc=ic([R(`mesh/MultiscaleFragmentSource`)],Sc);const Cc=Qt();let wc=class extends ms(Ia(Ur(lo))){source;constructor(e,t){super(e,t),this.source=this.registerDisposer(e.getRef(t.source)),this.registerDisposer(this.chunkManager.recomputeChunkPriorities.add(()=>{this.updateChunkPriorities()}))}attach(e){let t=()=>this.chunkManager.scheduleUpdateChunkPriorities(),{view:n}=e;e.registerDisposer(n.projectionParameters.changed.add(t)),e.registerDisposer(n.visibility.changed.add(t)),e.registerDisposer(t),t()}updateChunkPriorities(){let e=this.visibility.value;if(e===-1/0)return;let{transform:{value:t}}=this;if(t.error!==void 0)return;let n=[];this.chunkManager.registerLayer(this);{let t=La(e),r=Ra(e),{source:i,chunkManager:a}=this;fs(this,e=>{let o=i.getChunk(e);++this.numVisibleChunksNeeded,a.requestChunk(o,t,r+100);let s=o.state;(s===z.SYSTEM_MEMORY_WORKER||s===z.SYSTEM_MEMORY||s===z.GPU_MEMORY)&&(n.push(o),++this.numVisibleChunksAvailable)})}if(n.length===0)return;let{source:r,chunkManager:i}=this;for(let{view:e}of this.attachments.values()){let a=e.visibility.value;if(a===-1/0)continue;let o=La(a),s=Ra(a),c=e.projectionParameters.value,l=Cc;try{pa(l,c.displayDimensionRenderInfo,t)}catch{continue}rn(l,c.viewProjectionMat,l);let u=Wn(/* @__PURE__ */ new Float32Array(24),l),d=this.renderScaleTarget.value;for(let e of n){let t=e.manifest.lodScales.length-1;Ks(e.manifest,l,u,d,c.width,c.height,(n,a,c,l)=>{if(l)return;let u=r.getFragmentChunk(e,n,a);++this.numVisibleChunksNeeded,i.requestChunk(u,o,s+50-t+n),u.state===z.GPU_MEMORY&&++this.numVisibleChunksAvailable})}}}};wc=ic([R(`mesh/MultiscaleMeshLayer`)],wc);function Tc(e,t){let n=uc(e.vertexPositions,e.indices),r=new Uint8Array(n.length/3*2);pc(r,n);let i,a;e.indices.BYTES_PER_ELEMENT===4&&e.vertexPositions.length/3<65535?(i=new Uint16Array(e.indices.length),i.set(e.indices)):i=e.indices,a=!1;let o;if(t===zs.uint10){let t=e.vertexPositions,n=t.length/3;o=new Uint32Array(n);for(let e=0,r=0;r<n;e+=3,++r)o[r]=t[e]&1023|(t[e+1]&1023)<<10|(t[e+2]&1023)<<20}else if(t===zs.uint16){let t=e.vertexPositions;t.BYTES_PER_ELEMENT===2?o=t:(o=new Uint16Array(t.length),o.set(t))}else o=e.vertexPositions;return{vertexPositions:o,vertexNormals:r,indices:i,strips:a}}function Ec(e,t,n=zs.float32){e.meshData=Tc(t,n)}function Dc(e,t,n){e.meshData=Tc(t,n),e.subChunkOffsets=t.subChunkOffsets}function Oc(e,t,n){let r=n;for(let n=0;n<3;++n)e[r*5+n]=e[t*5+n]>>>1;e[r*5+3]=t;for(let i=t+1;i<n;++i){let t=e[i*5]>>>1,n=e[i*5+1]>>>1,a=e[i*5+2]>>>1;(t!==e[r*5]||n!==e[r*5+1]||a!==e[r*5+2])&&(e[r*5+4]=i,++r,e[r*5]=t,e[r*5+1]=n,e[r*5+2]=a,e[r*5+3]=i)}return e[r*5+4]=n,++r,r}function kc(e,t,n,r){let i=t;for(let t=n;t<r;++t){let r=e[t*5],a=e[t*5+1],o=e[t*5+2];for(;i<n&&Gs(e[i*5]>>>1,e[i*5+1]>>>1,e[i*5+2]>>>1,r,a,o);)++i;for(e[t*5+3]=i;i<n;){let t=e[i*5]>>>1,n=e[i*5+1]>>>1,s=e[i*5+2]>>>1;if(t!==r||n!==a||s!==o)break;++i}e[t*5+4]+=i}}
/**
* @license
* Copyright 2019 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function Ac(e){return{id:e}}
/**
* @license
* Copyright 2019 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const jc=Ac(`encodeCompressedSegmentationUint32`),Mc=Ac(`encodeCompressedSegmentationUint64`);
/**
* @license
* Copyright 2019 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
let Nc=0;const Pc=[],Fc=/* @__PURE__ */ new Map,Ic=/* @__PURE__ */ new Map,Lc=navigator.hardwareConcurrency===void 0?4:Math.min(12,navigator.hardwareConcurrency);let Rc=0;function zc(e){for(let[t,n]of Fc){Fc.delete(t),n.cleanup?.(),e.postMessage(n.msg,n.transfer);return}Pc.push(e)}function Bc(){++Nc;let e=new Worker(new URL(
/* @vite-ignore */
`/assets/async_computation.bundle-DmeVP5Ri.js`,``+import.meta.url),{type:`module`}),t=!1;e.onmessage=n=>{if(!t){t=!0,zc(e);return}let{id:r,value:i,error:a}=n.data;zc(e);let o=Ic.get(r);Ic.delete(r),o!==void 0&&(a===void 0?o.resolve(i):o.reject(a))}}function Vc(e,t,n,...r){let i=Rc++,a={t:e.id,id:i,args:r};t?.throwIfAborted();let o=new Promise((e,t)=>{Ic.set(i,{resolve:e,reject:t})});if(Pc.length!==0)Pc.pop().postMessage(a,n);else{let e;if(t!==void 0){let n=function(){Fc.delete(i);let e=Ic.get(i);Ic.delete(i),e.reject(t.reason)};t.addEventListener(`abort`,n,{once:!0}),e=()=>{t.removeEventListener(`abort`,n)}}Fc.set(i,{msg:a,transfer:n,cleanup:e}),Ic.size>Nc&&Nc<Lc&&Bc()}return o}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
async function Hc(e,t,n){let{spec:r}=e.source;if(r.compressedSegmentationBlockSize!==void 0){let{dataType:i}=r,a=e.chunkDataSize,o=[a[0],a[1],a[2],a[3]||1];switch(i){case U.UINT32:e.data=await Vc(jc,t,[n.buffer],n,o,r.compressedSegmentationBlockSize);break;case U.UINT64:e.data=await Vc(Mc,t,[n.buffer],n,o,r.compressedSegmentationBlockSize);break;default:throw Error(`Unsupported data type for compressed segmentation: ${U[i]}`)}}else e.data=n}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function Uc(e){let t=new Uint8Array(e.buffer,e.byteOffset,e.byteLength);return t.length>=3&&t[0]===31&&t[1]===139&&t[2]===8}async function Wc(e,t,n){try{let r=Gc(e instanceof Response?e:new Response(e),t,n);return await new Response(r).arrayBuffer()}catch{throw n?.throwIfAborted(),Error(`Failed to decode ${t}`)}}function Gc(e,t,n){return e.body.pipeThrough(new DecompressionStream(t),{signal:n})}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const Kc=/* @__PURE__ */ new Map;Kc.set(`|u1`,{endianness:W.LITTLE,dataType:U.UINT8}),Kc.set(`|i1`,{endianness:W.LITTLE,dataType:U.INT8});for(let[e,t]of[[`<`,W.LITTLE],[`>`,W.BIG]]){for(let n of[`u`,`i`])Kc.set(`${e}${n}8`,{endianness:t,dataType:U.UINT64});Kc.set(`${e}u2`,{endianness:t,dataType:U.UINT16}),Kc.set(`${e}i2`,{endianness:t,dataType:U.INT16}),Kc.set(`${e}u4`,{endianness:t,dataType:U.UINT32}),Kc.set(`${e}i4`,{endianness:t,dataType:U.INT32}),Kc.set(`${e}f4`,{endianness:t,dataType:U.FLOAT32})}function qc(e){let t=Kc.get(e);if(t===void 0)throw Error(`Unsupported numpy data type: ${JSON.stringify(e)}`);return t}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var Jc=class{constructor(e,t,n,r){this.data=e,this.shape=t,this.dataType=n,this.fortranOrder=r}};function Yc(e){if(e[0]!==147||e[1]!==78||e[2]!==85||e[3]!==77||e[4]!==80||e[5]!==89)throw Error(`Data does not match npy format.`);let t=e[6],n=e[7];if(t!==1||n!==0)throw Error(`Unsupported npy version ${t}.${n}`);let r=new DataView(e.buffer,e.byteOffset,e.byteLength).getUint16(8,!0),i=new TextDecoder(`utf-8`).decode(e.subarray(10,r+10)),a,o=r+10;try{a=or(i)}catch(e){throw Error(`Failed to parse npy header: ${e}`)}let s=a.descr,c=a.shape,l=1;if(!Array.isArray(c))throw Error("Invalid shape ${JSON.stringify(shape)}");for(let e of c){if(typeof e!=`number`)throw Error("Invalid shape ${JSON.stringify(shape)}");l*=e}let{dataType:u,endianness:d}=qc(s),f=ha[u],p=ga[u];if(f*l+o!==e.byteLength)throw Error(`Expected length does not match length of data`);let m=new p(e.buffer,e.byteOffset+o,l);return tc(m,d,f),new Jc(m,c,u,a.fortran_order===!0)}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
async function Xc(e,t,n){let r=Yc(new Uint8Array(await Wc(n,`deflate`))),i=e.chunkDataSize,a=e.source,{shape:o}=r;if(o.length!==3||o[0]!==i[2]||o[1]!==i[1]||o[2]!==i[0])throw Error(`Shape ${JSON.stringify(o)} does not match chunkDataSize ${zn(i)}`);let s=r.dataType,{spec:c}=a;if(s!==c.dataType)throw Error(`Data type ${U[s]} does not match expected data type ${U[c.dataType]}`);await Hc(e,t,r.data)}
/**
* @license
* Copyright 2019 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const Zc=Ac(`decodeJpeg`);
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
async function Qc(e,t,n){let r=e.chunkDataSize,{uint8Array:i}=await Vc(Zc,t,[n],new Uint8Array(n),void 0,void 0,r[0]*r[1]*r[2],r[3]||1,!1);await Hc(e,t,i)}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var $c=class extends Qa{source=null;data;chunkDataSize;initializeVolumeChunk(e,t){super.initializeVolumeChunk(e,t),this.chunkDataSize=null,this.data=null}serialize(e,t){super.serialize(e,t);let n=this.chunkDataSize;n!==this.source.spec.chunkDataSize&&(e.chunkDataSize=n);let r=e.data=this.data;r!==null&&t.push(r.buffer),this.data=null}downloadSucceeded(){this.systemMemoryBytes=this.gpuMemoryBytes=this.data?.byteLength??0,super.downloadSucceeded()}freeSystemMemory(){this.data=null}};function el(e,t){let{spec:n,tempChunkDataSize:r,tempChunkPosition:i}=e,{upperVoxelBound:a,rank:o,baseVoxelOffset:s}=n,c=n.chunkDataSize,l=r,u=ta(i,t.chunkGridPosition,c),d=!1;for(let e=0;e<o;++e){let t=Math.min(a[e],u[e]+c[e]);(l[e]=t-u[e])!==c[e]&&(d=!0)}return ea(u,u,s),t.chunkDataSize=d?Uint32Array.from(l):c,u}var tl=class extends $a{tempChunkDataSize;tempChunkPosition;constructor(e,t){super(e,t);let n=this.spec.rank;this.tempChunkDataSize=new Uint32Array(n),this.tempChunkPosition=new Float32Array(n)}computeChunkBounds(e){return el(this,e)}};tl.prototype.chunkConstructor=$c;
/**
* @license
* Copyright 2017 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var nl=Object.defineProperty,rl=Object.getOwnPropertyDescriptor,il=(e,t,n,r)=>{for(var i=r>1?void 0:r?rl(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&nl(t,n,i),i};const al=/* @__PURE__ */ new Map;al.set(`npz`,Xc),al.set(`jpeg`,Qc);const ol=/* @__PURE__ */ new Map;ol.set(`npz`,`application/npygz`),ol.set(`jpeg`,`image/jpeg`);function sl(e,t){return Hr(Zr()(e),t)}let cl=class extends sl(tl,Ls){chunkDecoder=al.get(this.parameters.encoding);async download(e,t){let{parameters:n}=this,r=`${n.baseUrl}/latest/cutout/${n.collection}/${n.experiment}/${n.channel}/${n.resolution}`;{let t=this.computeChunkBounds(e),n=e.chunkDataSize;for(let e=0;e<3;++e)r+=`/${t[e]}:${t[e]+n[e]}`}r+=`/`,n.window!==void 0&&(r+=`?window=${n.window[0]},${n.window[1]}`);let i=await Fs(this.credentialsProvider,r,{signal:t,headers:{Accept:ol.get(n.encoding)}});await this.chunkDecoder(e,t,await i.arrayBuffer())}};cl=il([R()],cl);function ll(e,t){return lc(e,t,`fragments`)}function ul(e,t){let n=new DataView(t).getUint32(0,!0);Ec(e,hc(t,W.LITTLE,4,n))}let dl=class extends sl(gc,Rs){download(e,t){let{parameters:n}=this;return Fs(this.credentialsProvider,`${n.baseUrl}${e.objectId}`,{signal:t}).then(e=>e.arrayBuffer()).then(t=>ll(e,t))}downloadFragment(e,t){let{parameters:n}=this;return Fs(this.credentialsProvider,`${n.baseUrl}${e.fragmentId}`,{signal:t}).then(e=>e.arrayBuffer()).then(t=>ul(e,t))}};dl=il([R()],dl);
/**
* @license
* Copyright 2018 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const fl=/* @__PURE__ */ new Float32Array(1);function pl(e){fl[0]=e,e=fl[0];for(let t=1;t<21;++t){let n=e.toPrecision(t);if(fl[0]=parseFloat(n),fl[0]===e)return n}return e.toString()}
/**
* @license
* Copyright 2017 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function ml(e){return(`0`+e.toString(16)).slice(-2)}
/**
* @license
* Copyright 2018 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function hl(e){let t=/^rgba\(([0-9]+), ([0-9]+), ([0-9]+), (0(?:\.[0-9]+)?)\)$/;{let n=e.match(t);if(n!==null)return[parseInt(n[1],10),parseInt(n[2],10),parseInt(n[3],10),parseFloat(n[4])]}let n=/^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/;{let t=e.match(n);if(t!==null)return[parseInt(t[1],16),parseInt(t[2],16),parseInt(t[3],16),1]}throw Error(`Invalid serialized color: ${JSON.stringify(e)}.`)}function gl(e){try{if(typeof e!=`string`)throw Error(`Expected string, but received ${JSON.stringify(e)}.`);let t=document.createElement(`canvas`).getContext(`2d`);t.fillStyle=e;let n=hl(t.fillStyle);return Sn(n[0]/255,n[1]/255,n[2]/255,n[3])}catch(e){throw Error(`Failed to parse color specification: ${e.message}`)}}function _l(e){return gl(e).subarray(0,3)}function vl(e){let t=e[3]===void 0?3:4,n=0;for(let r=0;r<t;r++)n=(n<<8>>>0)+Math.min(255,Math.max(0,Math.round(e[t-1-r]*255)));return n}function yl(e){return cn((e>>>0&255)/255,(e>>>8&255)/255,(e>>>16&255)/255)}function bl(e){return Sn((e>>>0&255)/255,(e>>>8&255)/255,(e>>>16&255)/255,(e>>>24&255)/255)}function xl(e){if(e[3]===void 0||e[3]===1){let t=`#`;for(let n=0;n<3;++n)t+=ml(Math.min(255,Math.max(0,Math.round(e[n]*255))));return t}let t=`rgba(`;for(let n=0;n<3;++n)n!==0&&(t+=`, `),t+=Math.min(255,Math.max(0,Math.round(e[n]*255)));return t+=`, ${pl(e[3])})`,t}
/**
* @license
* Copyright 2021 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
new Uint32Array((/* @__PURE__ */ new Float64Array(1)).buffer),U.UINT8,U.INT8,U.UINT16,U.INT16,U.UINT32,U.INT32,U.UINT64,U.FLOAT32
/**
* @license
* Copyright 2021 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
;
/**
* @license
* Copyright 2018 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var Sl=/* @__PURE__ */ (e=>(e[e.POINT=0]=`POINT`,e[e.LINE=1]=`LINE`,e[e.AXIS_ALIGNED_BOUNDING_BOX=2]=`AXIS_ALIGNED_BOUNDING_BOX`,e[e.ELLIPSOID=3]=`ELLIPSOID`,e[e.POLYLINE=4]=`POLYLINE`,e))(Sl||{});const Cl=[0,1,2,3,4];U.FLOAT32,U.UINT32,U.INT32,U.UINT16,U.INT16,U.UINT8,U.INT8;const wl={rgb:{serializedBytes(){return 3},alignment(){return 1},serializeCode(e,t){return`dv.setUint16(${t}, ${e}, true);dv.setUint8(${t} + 2, ${e} >>> 16);`},deserializeCode(e,t){return`${e} = dv.getUint16(${t}, true) | (dv.getUint8(${t} + 2) << 16);`},deserializeJson(e){return vl(_l(e))},serializeJson(e){return xl(yl(e))}},rgba:{serializedBytes(){return 4},alignment(){return 1},serializeCode(e,t){return`dv.setUint32(${t}, ${e}, true);`},deserializeCode(e,t){return`${e} = dv.getUint32(${t}, true);`},deserializeJson(e){return vl(gl(e))},serializeJson(e){return xl(bl(e))}},float32:{serializedBytes(){return 4},alignment(){return 4},serializeCode(e,t){return`dv.setFloat32(${t}, ${e}, isLittleEndian);`},deserializeCode(e,t){return`${e} = dv.getFloat32(${t}, isLittleEndian);`},deserializeJson(e){return Yn(e)},serializeJson(e){return e}},uint32:{serializedBytes(){return 4},alignment(){return 4},serializeCode(e,t){return`dv.setUint32(${t}, ${e}, isLittleEndian);`},deserializeCode(e,t){return`${e} = dv.getUint32(${t}, isLittleEndian);`},deserializeJson(e){return ur(e)},serializeJson(e){return e}},int32:{serializedBytes(){return 4},alignment(){return 4},serializeCode(e,t){return`dv.setInt32(${t}, ${e}, isLittleEndian);`},deserializeCode(e,t){return`${e} = dv.getInt32(${t}, isLittleEndian);`},deserializeJson(e){return ur(e)},serializeJson(e){return e}},uint16:{serializedBytes(){return 2},alignment(){return 2},serializeCode(e,t){return`dv.setUint16(${t}, ${e}, isLittleEndian);`},deserializeCode(e,t){return`${e} = dv.getUint16(${t}, isLittleEndian);`},deserializeJson(e){return ur(e)},serializeJson(e){return e}},int16:{serializedBytes(){return 2},alignment(){return 2},serializeCode(e,t){return`dv.setInt16(${t}, ${e}, isLittleEndian);`},deserializeCode(e,t){return`${e} = dv.getInt16(${t}, isLittleEndian);`},deserializeJson(e){return ur(e)},serializeJson(e){return e}},uint8:{serializedBytes(){return 1},alignment(){return 1},serializeCode(e,t){return`dv.setUint8(${t}, ${e});`},deserializeCode(e,t){return`${e} = dv.getUint8(${t});`},deserializeJson(e){return ur(e)},serializeJson(e){return e}},int8:{serializedBytes(){return 1},alignment(){return 1},serializeCode(e,t){return`dv.setInt8(${t}, ${e});`},deserializeCode(e,t){return`${e} = dv.getInt8(${t});`},deserializeJson(e){return ur(e)},serializeJson(e){return e}}};function Tl(e,t,n){let r=0,i=n.length,a=Array(i),o=[];for(let e=0;e<i;++e)a[e]=e;let s=t=>wl[n[t].type].alignment(e);a.sort((e,t)=>s(t)-s(e));let c=0,l=Array(i),u=t,d=()=>{u+=(4-u%4)%4,r+=u,o[c]=u,u=0,++c};for(let t=0;t<i;++t){let r=a[t],i=n[r],o=wl[i.type],s=o.serializedBytes(e),f=o.alignment(e),p=(f-u%f)%f,m=u+p+s;m+(4-m%4)%4<=255?u+=p:d(),l[r]={offset:u,group:c},u+=s}return d(),{serializedBytes:r,offsets:l,propertyGroupBytes:o}}var El=class{constructor(e,t,n){if(this.rank=e,this.firstGroupInitialOffset=t,this.propertySpecs=n,n.length===0){this.serializedBytes=t,this.serialize=this.deserialize=()=>{},this.propertyGroupBytes=[t];return}let{serializedBytes:r,offsets:i,propertyGroupBytes:a}=Tl(e,t,n);this.propertyGroupBytes=a;let o=`let groupOffset0 = offset;`;for(let e=1;e<a.length;++e)o+=`let groupOffset${e} = groupOffset${e-1} + ${a[e-1]}*annotationCount;`;for(let e=0;e<a.length;++e)o+=`groupOffset${e} += ${a[e]}*annotationIndex;`;let s=o,c=o,l=n.length;for(let t=0;t<l;++t){let{group:r,offset:a}=i[t],o=n[t],l=wl[o.type],u=`properties[${t}]`,d=`groupOffset${r} + ${a}`;s+=l.serializeCode(u,d,e),c+=l.deserializeCode(u,d,e)}this.serializedBytes=r,this.serialize=Function(`dv`,`offset`,`annotationIndex`,`annotationCount`,`isLittleEndian`,`properties`,s),this.deserialize=Function(`dv`,`offset`,`annotationIndex`,`annotationCount`,`isLittleEndian`,`properties`,c)}serializedBytes;serialize;deserialize;propertyGroupBytes};function Dl(e,t){let n=[];for(let r of Cl){let i=Nl[r];n[r]=new El(e,i.serializedBytes(e),t)}return n}function Ol(e,t,n,r,i){for(let a=0;a<r;++a)e.setFloat32(t,i[a],n),t+=4;return t}function kl(e,t,n,r,i,a){return t=Ol(e,t,n,r,i),t=Ol(e,t,n,r,a),t}function Al(e,t,n,r,i){for(let a=0;a<r;++a)i[a]=e.getFloat32(t,n),t+=4;return t}function jl(e,t,n,r,i,a){return t=Al(e,t,n,r,i),t=Al(e,t,n,r,a),t}function Ml(e,t,n,r,i,a){let o=t;for(let t=0;t<a;++t)i[t]=new Float32Array(r),o=Al(e,o,n,r,i[t]);return o}const Nl={1:{icon:`ꕹ`,description:`Line`,toJSON(e){return{pointA:Array.from(e.pointA),pointB:Array.from(e.pointB)}},restoreState(e,t,n){e.pointA=H(t,`pointA`,e=>cr(new Float32Array(n),e,Xn)),e.pointB=H(t,`pointB`,e=>cr(new Float32Array(n),e,Xn))},serializedBytes(e){return 8*e},serialize(e,t,n,r,i){kl(e,t,n,r,i.pointA,i.pointB)},deserialize:(e,t,n,r,i)=>{let a=new Float32Array(r),o=new Float32Array(r);return jl(e,t,n,r,a,o),{type:1,pointA:a,pointB:o,id:i,properties:[]}},visitGeometry(e,t){t(e.pointA,!1),t(e.pointB,!1)},defaultProperties(e){return{properties:[],values:[]}}},4:{icon:`⤤`,description:`Polyline`,toJSON(e){return{points:e.points.map(e=>Array.from(e))}},restoreState(e,t,n){e.points=H(t,`points`,e=>sr(e,e=>cr(new Float32Array(n),e,Xn)))},serializedBytes(e){return 4*e*2+4},serialize:(e,t,n,r,i,a)=>{for(let o=0;o<i.points.length-1;o++){let s=+(o===i.points.length-2),c=t+o*a;e.setUint32(c,s<<31|o,n);let l=i.points[o],u=i.points[o+1];kl(e,c+4,n,r,l,u)}},deserialize:(e,t,n,r,i,a)=>{if(a===void 0)throw Error(`Can't deserialize polyline without stride`);let o=[];if(a==0){let i=e.getUint32(t,n)&2147483647;Ml(e,t+4,n,r,o,i)}else{let i=t,s=0,c=1e5;for(;s<=c;){let t=e.getUint32(i,n)>>31,c=new Float32Array(r),l=Al(e,i+4,n,r,c);if(o.push(c),t){let t=new Float32Array(r);Al(e,l,n,r,t),o.push(t);break}s++,i+=a}if(s===c)throw Error(`Reached max iters on polyline deserializing`)}return{type:4,points:o,id:i,properties:[]}},visitGeometry(e,t){for(let n of e.points)t(n,!1)},defaultProperties(e){return{properties:[{type:`uint32`,identifier:`Num vertices`,default:0,description:`Number of points in the polyline`}],values:[e.points.length]}}},0:{icon:`⚬`,description:`Point`,toJSON:e=>({point:Array.from(e.point)}),restoreState:(e,t,n)=>{e.point=H(t,`point`,e=>cr(new Float32Array(n),e,Xn))},serializedBytes:e=>e*4,serialize:(e,t,n,r,i)=>{Ol(e,t,n,r,i.point)},deserialize:(e,t,n,r,i)=>{let a=new Float32Array(r);return Al(e,t,n,r,a),{type:0,point:a,id:i,properties:[]}},visitGeometry(e,t){t(e.point,!1)},defaultProperties(e){return{properties:[],values:[]}}},2:{icon:`❑`,description:`Bounding Box`,toJSON:e=>({pointA:Array.from(e.pointA),pointB:Array.from(e.pointB)}),restoreState:(e,t,n)=>{e.pointA=H(t,`pointA`,e=>cr(new Float32Array(n),e,Xn)),e.pointB=H(t,`pointB`,e=>cr(new Float32Array(n),e,Xn))},serializedBytes:e=>8*e,serialize(e,t,n,r,i){kl(e,t,n,r,i.pointA,i.pointB)},deserialize:(e,t,n,r,i)=>{let a=new Float32Array(r),o=new Float32Array(r);return jl(e,t,n,r,a,o),{type:2,pointA:a,pointB:o,id:i,properties:[]}},visitGeometry(e,t){t(e.pointA,!1),t(e.pointB,!1)},defaultProperties(e){return{properties:[],values:[]}}},3:{icon:`◎`,description:`Ellipsoid`,toJSON:e=>({center:Array.from(e.center),radii:Array.from(e.radii)}),restoreState:(e,t,n)=>{e.center=H(t,`center`,e=>cr(new Float32Array(n),e,Xn)),e.radii=H(t,`radii`,e=>cr(new Float32Array(n),e,Zn))},serializedBytes:e=>8*e,serialize(e,t,n,r,i){kl(e,t,n,r,i.center,i.radii)},deserialize:(e,t,n,r,i)=>{let a=new Float32Array(r),o=new Float32Array(r);return jl(e,t,n,r,a,o),{type:3,center:a,radii:o,id:i,properties:[]}},visitGeometry(e,t){t(e.center,!1),t(e.radii,!0)},defaultProperties(e){return{properties:[],values:[]}}}};function Pl(e,t){let n=0,r=[],i=[];for(let a of Cl){let o=t[a].serializedBytes;r[a]=n;let s=e[a],c=s.length;if(a===4){i[a]=0;for(let e of s){let t=e.points.length-1;n+=o*t,i[a]+=t}}else n+=o*c}let a=[],o=[],s=[],c=new ArrayBuffer(n),l=new DataView(c),u=Js===W.LITTLE;for(let n of Cl){let c=t[n],{rank:d}=c,f=c.serialize,p=e[n];s[n]=Array.from({length:p.length},(e,t)=>t),a[n]=p.map(e=>e.id),o[n]=new Map(p.map((e,t)=>[e.id,t]));let m=Nl[n].serialize,h=r[n],g=c.propertyGroupBytes[0],_=0;for(let e=0,t=p.length;e<t;++e){let r=p[e];if(n===4){let t=r;m(l,h+_*g,u,d,t,g),s[n][e]=_;for(let e=0;e<t.points.length-1;e++)f(l,h,_+e,i[n],u,t.properties);_+=t.points.length-1}else m(l,h+e*g,u,d,r,g),f(l,h,e,t,u,r.properties)}n!==4&&(i[n]=p.length)}return{data:new Uint8Array(c),typeToInstanceCounts:s,typeToIds:a,typeToOffset:r,typeToIdMaps:o,typeToSize:i}}var Fl=class{constructor(e){this.propertySerializers=e}annotations=[[],[],[],[],[]];add(e){this.annotations[e.type].push(e)}serialize(){return Pl(this.annotations,this.propertySerializers)}};
/**
* @license
* Copyright 2020 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function Il(e,t){if(!e.accessToken)return t;let n=new Headers(t.headers);return n.set(`Authorization`,`${e.tokenType} ${e.accessToken}`),{...t,headers:n}}function Ll(e,t){let{status:n}=e;if(n===401||n===403&&!t.accessToken)return`refresh`;throw e instanceof Error&&t.email!==void 0&&(e.message+=`  (Using credentials for ${JSON.stringify(t.email)})`),e}function Rl(e,t,n){return e===void 0?js(t,n):Ns(e,t,n,Il,Ll)}function zl(e){return e===void 0?js:Ps(e,Il,Ll)}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function Bl(e,t,n,r={}){return Rl(t,`${e.serverUrl}${n}`,r)}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var Vl=/* @__PURE__ */ (e=>(e[e.RAW=0]=`RAW`,e[e.JPEG=1]=`JPEG`,e[e.COMPRESSED_SEGMENTATION=2]=`COMPRESSED_SEGMENTATION`,e))(Vl||{}),Hl=class{instance;volumeId;scaleIndex;encoding;jpegQuality;changeSpec;static RPC_ID=`brainmaps/VolumeChunkSource`},Ul=class{instance;volumeId;info;changeSpec;static RPC_ID=`brainmaps/MultiscaleMeshSource`},Wl=class{instance;volumeId;meshName;changeSpec;static RPC_ID=`brainmaps/MeshSource`},Gl=class{instance;volumeId;meshName;changeSpec;static RPC_ID=`brainmaps/SkeletonSource`},Kl=class{instance;volumeId;changestack;upperVoxelBound;static RPC_ID=`brainmaps/Annotation`},ql=class{instance;volumeId;changestack;static RPC_ID=`brainmaps/AnnotationSpatialIndex`},Jl=Object.defineProperty,Yl=Object.getOwnPropertyDescriptor,Xl=(e,t,n,r)=>{
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
for(var i=r>1?void 0:r?Yl(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&Jl(t,n,i),i},Zl=class extends Er{objectId=0n;vertexPositions=null;vertexAttributes=null;indices=null;initializeSkeletonChunk(e,t){super.initialize(e),this.objectId=t}freeSystemMemory(){this.vertexPositions=this.indices=null}getVertexAttributeBytes(){let e=this.vertexPositions.byteLength,{vertexAttributes:t}=this;return t?.forEach(t=>{e+=t.byteLength}),e}serialize(e,t){super.serialize(e,t);let n=this.vertexPositions,r=this.indices;e.numVertices=n.length/3,e.indices=r,t.push(r.buffer);let{vertexAttributes:i}=this;if(i!=null&&i.length>0){let r=new Uint8Array(this.getVertexAttributeBytes());r.set(new Uint8Array(n.buffer,n.byteOffset,n.byteLength));let a=e.vertexAttributeOffsets=new Uint32Array(i.length+1);a[0]=0;let o=n.byteLength;i.forEach((e,t)=>{a[t+1]=o,r.set(new Uint8Array(e.buffer,e.byteOffset,e.byteLength),o),o+=e.byteLength}),t.push(r.buffer),e.vertexAttributes=r}else e.vertexAttributes=new Uint8Array(n.buffer,n.byteOffset,n.byteLength),e.vertexAttributeOffsets=Uint32Array.of(0),n.buffer!==t[0]&&t.push(n.buffer);this.vertexPositions=this.indices=this.vertexAttributes=null}downloadSucceeded(){this.systemMemoryBytes=this.gpuMemoryBytes=this.indices.byteLength+this.getVertexAttributeBytes(),super.downloadSucceeded()}},Ql=class extends kr{getChunk(e){let t=cs(e),n=this.chunks.get(t);return n===void 0&&(n=this.getNewChunk_(Zl),n.initializeSkeletonChunk(t,e),this.addChunk(n)),n}};let $l=class extends ms(Ia(Ur(Br))){source;constructor(e,t){super(e,t),this.source=this.registerDisposer(e.getRef(t.source)),this.registerDisposer(this.chunkManager.recomputeChunkPriorities.add(()=>{this.updateChunkPriorities()}))}updateChunkPriorities(){let e=this.visibility.value;if(e===-1/0)return;this.chunkManager.registerLayer(this);let t=La(e),n=Ra(e),{source:r,chunkManager:i}=this;fs(this,e=>{let a=r.getChunk(e);++this.numVisibleChunksNeeded,a.state===z.GPU_MEMORY&&++this.numVisibleChunksAvailable,i.requestChunk(a,t,n+60)})}};$l=Xl([R(`skeleton/SkeletonLayer`)],$l);function eu(e,t,n,r,i,a,o){let s=mc(2,t,n,r,i,a,o);e.vertexPositions=s.vertexPositions,e.indices=s.indices}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
async function tu(e,t,n){e.data=new Uint32Array(n)}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
async function nu(e,t,n,r=Js,i=0,a=n.byteLength){let{spec:o}=e.source,{dataType:s}=o,c=na(e.chunkDataSize),l=ha[s],u=c*l;if(u!==a)throw Error(`Raw-format chunk is ${a} bytes, but ${c} * ${l} = ${u} bytes are expected.`);let d=_a(s,n,i,a);tc(d,r,l),await Hc(e,t,d)}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var ru=Object.defineProperty,iu=Object.getOwnPropertyDescriptor,au=(e,t,n,r)=>{for(var i=r>1?void 0:r?iu(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&ru(t,n,i),i};const ou=/* @__PURE__ */ new Map([[Vl.RAW,nu],[Vl.JPEG,Qc],[Vl.COMPRESSED_SEGMENTATION,tu]]);function su(e,t){e&&(t.change_spec={change_stack_id:e.changeStackId},e.timeStamp&&(t.change_spec.time_stamp=e.timeStamp),e.skipEquivalences&&(t.change_spec.skip_equivalences=e.skipEquivalences))}function cu(e,t){return Hr(Zr()(e),t)}let lu=class extends cu(tl,Hl){chunkDecoder=ou.get(this.parameters.encoding);applyEncodingParams(e){let{encoding:t}=this.parameters;switch(t){case Vl.RAW:e.subvolume_format=`RAW`;break;case Vl.JPEG:e.subvolume_format=`SINGLE_IMAGE`,e.image_format_options={image_format:`JPEG`,jpeg_quality:this.parameters.jpegQuality};return;case Vl.COMPRESSED_SEGMENTATION:e.subvolume_format=`RAW`,e.image_format_options={compressed_segmentation_block_size:zn(this.spec.compressedSegmentationBlockSize)};break;default:throw Error(`Invalid encoding: ${t}`)}}async download(e,t){let{parameters:n}=this,r=this.computeChunkBounds(e),i=e.chunkDataSize,a=`/v1/volumes/${n.volumeId}/subvolume:binary`,o={geometry:{corner:zn(r),size:zn(i),scale:n.scaleIndex}};this.applyEncodingParams(o),su(n.changeSpec,o);let s=await Bl(n.instance,this.credentialsProvider,a,{method:`POST`,body:JSON.stringify(o),signal:t});await this.chunkDecoder(e,t,await s.arrayBuffer())}};lu=au([R()],lu);function uu(e,t,n,r){return Vs(gr(BigInt(`0x`+e)),t,n,r)}function du(e,t){lr(t);let n=e.source,r=H(t,`fragmentKey`,hr),i=H(t,`supervoxelId`,hr),a=r.length;if(a!==i.length)throw Error(`Expected fragmentKey and supervoxelId arrays to have the same length.`);let o=/* @__PURE__ */ new Map;r.forEach((e,t)=>{let n=o.get(e);n===void 0&&(n=[],o.set(e,n)),n.push(i[t])});let{chunkShape:s}=n.parameters.info,c=n.parameters.info.lods[0].gridShape,l=Math.ceil(Math.log2(c[0])),u=Math.ceil(Math.log2(c[1])),d=Math.ceil(Math.log2(c[2])),f=Array.from(o.entries()).map(([e,t])=>({fragmentId:e,corner:uu(e,l,u,d),supervoxelIds:t}));f.sort((e,t)=>Gs(e.corner[0],e.corner[1],e.corner[2],t.corner[0],t.corner[1],t.corner[2])?-1:1);let p,m,h=0,g;if(a===0)p=m=Fn,g=Uint32Array.of(0,0,0,0,2147483648);else{let e=on(Ln),t=on(Fn);for(f.forEach(n=>{let{corner:r}=n;for(let n=0;n<3;++n)e[n]=Math.min(e[n],r[n]),t[n]=Math.max(t[n],r[n])}),h=1;t[0]>>>h-1!=e[0]>>>h-1||t[1]>>>h-1!=e[1]>>>h-1||t[2]>>>h-1!=e[2]>>>h-1;)++h;p=fn(e,e,s),m=un(t,fn(t,t,s),s)}let{lods:_}=n.parameters.info,v=new Float32Array(Math.max(_.length,h));for(let e=0;e<_.length;++e)v[e]=_[e].scale;if(a!==0){let e=new Uint32Array(f.length*v.length*5);f.forEach((t,n)=>{e.set(t.corner,n*5),e[n*5]=t.corner[0]});let t=0,n=f.length;for(let r=1;r<v.length;++r){let r=Oc(e,t,n);t=n,n=r}g=e.slice(0,n*5)}e.manifest={chunkShape:s,chunkGridSpatialOrigin:Fn,clipLowerBound:p,clipUpperBound:m,octree:g,lodScales:v,vertexOffsets:new Float32Array(v.length*3)},e.fragmentSupervoxelIds=f}function fu(e,t){let n=e.byteLength,r=0,i=new DataView(e);for(;r<n;){if(r+32>n)throw Error(`Invalid batch mesh fragment response.`);let a=i.getBigUint64(r,!0).toString()+`\0`;r+=8;let o=i.getUint32(r,!0),s=i.getUint32(r+4,!0);if(r+=8,s!==0||r+o+8+8>n)throw Error(`Invalid batch mesh fragment response.`);let c=a+new TextDecoder().decode(new Uint8Array(e,r,o));r+=o;let l=i.getUint32(r,!0),u=i.getUint32(r+4,!0);r+=8;let d=i.getUint32(r,!0),f=i.getUint32(r+4,!0);if(r+=8,u!==0||f!==0)throw Error(`Invalid batch mesh fragment response.`);let p=r+d*12+l*12;if(p>n)throw Error(`Invalid batch mesh fragment response.`);t({fullKey:c,buffer:e,verticesOffset:r,numVertices:l,indicesOffset:r+12*l,numIndices:d*3}),r=p}}function pu(e){let t=0,n=0;for(let r of e)t+=r.numVertices,n+=r.numIndices;let r=new Float32Array(t*3),i=new Uint32Array(n),a=0,o=0;for(let t of e){r.set(new Float32Array(t.buffer,t.verticesOffset,t.numVertices*3),a*3);let{numIndices:e}=t,n=new Uint32Array(t.buffer,t.indicesOffset,e);$s(n,W.LITTLE);for(let t=0;t<e;++t)i[o++]=n[t]+a;a+=t.numVertices}return $s(r,W.LITTLE),{vertexPositions:r,indices:i}}async function mu(e,t,n,r){let i=[],a,o=0,s=/* @__PURE__ */ new Map;for(let[e,t]of n){s.set(e,t),n.delete(e);let r=e.indexOf(`\0`),c=e.substring(0,r),l=e.substring(r+1);if(c!==a&&i.push({object_id:c,fragment_keys:[]}),i[i.length-1].fragment_keys.push(l),++o===255)break}let c={volume_id:t.volumeId,mesh_name:t.meshName,batches:i};try{return await(await Bl(t.instance,e,`/v1/objects/meshes:batch`,{method:`POST`,body:JSON.stringify(c),signal:r})).arrayBuffer()}finally{for(let[e,t]of s)n.set(e,t)}}let hu=class extends cu(xc,Ul){listFragmentsParams=(()=>{let{parameters:e}=this,{changeSpec:t}=e;return t===void 0?``:`&header.changeStackId=${t.changeStackId}`})();download(e,t){let{parameters:n}=this,r=`/v1/objects/${n.volumeId}/meshes/${n.info.lods[0].info.name}:listfragments?object_id=${e.objectId}&return_supervoxel_ids=true`+this.listFragmentsParams;return Bl(n.instance,this.credentialsProvider,r,{signal:t}).then(e=>e.json()).then(t=>du(e,t))}async downloadFragment(e,t){let{parameters:n}=this,r=e.manifestChunk,{fragmentSupervoxelIds:i}=r,a=r.manifest,{lod:o}=e,{octree:s}=a,c=i.length,l=e.chunkIndex,u=l;for(;u>=c;)u=s[u*5+3];let d=l+1;for(;d>c;)d=s[d*5-1]&2147483647;let{relativeBlockShape:f,gridShape:p}=n.info.lods[o],m=Math.ceil(Math.log2(p[0])),h=Math.ceil(Math.log2(p[1])),g=Math.ceil(Math.log2(p[2])),_=/* @__PURE__ */ new Map;for(let e=u;e<d;++e){let t=Hs(m,h,g,Math.floor(s[e*5]/f[0]),Math.floor(s[e*5+1]/f[1]),Math.floor(s[e*5+2]/f[2])).toString(16).padStart(16,`0`),n=i[e];for(let r of n.supervoxelIds)_.set(r+`\0`+t,e)}let v=Math.max(0,o-1),y=[],b=Array.from(_);b.sort((e,t)=>ei(e[0],t[0])),_=new Map(b);let x=n.info.lods[o].info.name;await new Promise((r,i)=>{let a=0,o=!1,s=()=>{if(!o){for(;_.size!==0;)++a,mu(this.credentialsProvider,{instance:n.instance,volumeId:n.volumeId,meshName:x},_,t).then(e=>{--a,fu(e,e=>{let t=_.get(e.fullKey);if(!_.delete(e.fullKey))throw Error(`Received unexpected fragment key: ${JSON.stringify(e.fullKey)}.`);e.chunkIndex=t,y.push(e)}),s()}).catch(e=>{o=!0,i(e)});e.downloadSlots=Math.max(1,a),a===0&&r(void 0)}};s()}),y.sort((e,t)=>e.chunkIndex-t.chunkIndex);let S=0,C=1<<3*(o-v),w=new Uint32Array(C+1),T=0;for(let e of y){let t=e.chunkIndex,n=Bs(s[t*5]>>>v,s[t*5+1]>>>v,s[t*5+2]>>>v)&C-1;w.fill(S,T+1,n+1),T=n,S+=e.numIndices}w.fill(S,T+1,C+1),Dc(e,{...pu(y),subChunkOffsets:w},zs.float32)}};hu=au([R()],hu);function gu(e){let t=[],n=0,r=e.length;for(;n<r;)t.push(JSON.stringify(e.slice(n,n+255))),n+=255;return t}function _u(e,t){lr(t);let n=H(t,`fragmentKey`,hr),r=H(t,`supervoxelId`,hr);if(n.length!==r.length)throw Error(`Expected fragmentKey and supervoxelId arrays to have the same length.`);e.fragmentIds=gu(r.map((e,t)=>e+`\0`+n[t]))}let vu=class extends cu(gc,Wl){listFragmentsParams=(()=>{let{parameters:e}=this,{changeSpec:t}=e;return t===void 0?``:`&header.changeStackId=${t.changeStackId}`})();download(e,t){let{parameters:n}=this,r=`/v1/objects/${n.volumeId}/meshes/${n.meshName}:listfragments?object_id=${e.objectId}&return_supervoxel_ids=true`+this.listFragmentsParams;return Bl(n.instance,this.credentialsProvider,r,{signal:t}).then(e=>e.json()).then(t=>_u(e,t))}async downloadFragment(e,t){let{parameters:n}=this,r=/* @__PURE__ */ new Map;for(let t of JSON.parse(e.fragmentId))r.set(t,null);let i=[],{credentialsProvider:a}=this;for(;r.size!==0;)fu(await mu(a,n,r,t),e=>{if(!r.delete(e.fullKey))throw Error(`Received unexpected fragment key: ${JSON.stringify(e.fullKey)}.`);i.push(e)});Ec(e,pu(i))}};vu=au([R()],vu);function yu(e,t){let n=new DataView(t),r=n.getUint32(0,!0);if(n.getUint32(4,!0)!==0)throw Error(`The number of vertices should not exceed 2^32-1.`);let i=n.getUint32(8,!0);if(n.getUint32(12,!0)!==0)throw Error(`The number of edges should not exceed 2^32-1.`);eu(e,t,W.LITTLE,16,r,void 0,i)}let bu=class extends cu(Ql,Gl){download(e,t){let{parameters:n}=this,r={object_id:`${e.objectId}`},i=`/v1/objects/${n.volumeId}/meshes/${n.meshName}/skeleton:binary`;return su(n.changeSpec,r),Bl(n.instance,this.credentialsProvider,i,{method:`POST`,body:JSON.stringify(r),signal:t}).then(e=>e.arrayBuffer()).then(t=>yu(e,t))}};bu=au([R()],bu);const xu=[`LOCATION`,`LINE`,`VOLUME`];function Su(e){let t=e.match(/(-?[0-9]+),(-?[0-9]+),(-?[0-9]+)/);if(t===null)throw Error(`Error parsing number triplet: ${JSON.stringify(e)}.`);return cn(parseFloat(t[1]),parseFloat(t[2]),parseFloat(t[3]))}function Cu(e){return e.volumeId+`:`+e.changestack+`:`}function wu(e,t){if(!t.startsWith(e))throw Error(`Received annotation id ${JSON.stringify(t)} does not have expected prefix of ${JSON.stringify(e)}.`);return t.substring(e.length)}function Tu(e){if(e!=null)return[BigUint64Array.from(sr(e,gr))]}function Eu(e,t,n){let r=H(e,`corner`,e=>Su(dr(e))),i=H(e,`size`,e=>Su(dr(e))),a=H(e,`payload`,fr),o=H(e,`type`,dr),s=H(e,`id`,dr),c=wu(t,s),l=H(e,`objectLabels`,Tu);if(n!==void 0&&c!==n)throw Error(`Received annotation has unexpected id ${JSON.stringify(s)}.`);switch(o){case`LOCATION`:{if(yn(i,Fn))return{type:Sl.POINT,id:c,point:r,description:a,relatedSegments:l,properties:[]};let e=pn(V(),i,.5),t=un(V(),r,e);return{type:Sl.ELLIPSOID,id:c,center:t,radii:e,description:a,relatedSegments:l,properties:[]}}case`LINE`:return{type:Sl.LINE,id:c,pointA:r,pointB:un(V(),r,i),description:a,relatedSegments:l,properties:[]};case`VOLUME`:return{type:Sl.AXIS_ALIGNED_BOUNDING_BOX,id:c,pointA:r,pointB:un(V(),r,i),description:a,relatedSegments:l,properties:[]};default:throw Error(`Unknown spatial annotation type: ${JSON.stringify(o)}.`)}}function Du(e,t,n){lr(e);let r=H(e,`annotations`,e=>cr([void 0],e,lr))[0];return Eu(r,t,n)}const Ou=Dl(3,[]);function ku(e,t){let n=new Fl(Ou),r=e.source.parent,i=Cu(r.parameters);t.forEach((e,t)=>{try{lr(e);let t=H(e,`annotations`,e=>e===void 0?[]:e);if(!Array.isArray(t))throw Error(`Expected array, but received ${JSON.stringify(typeof t)}.`);for(let e of t)try{n.add(Eu(e,i))}catch(e){throw Error(`Error parsing annotation: ${e.message}`)}}catch(e){throw Error(`Error parsing ${xu[t]} annotations: ${e.message}`)}}),e.data=Object.assign(new ys,n.serialize())}function Au(e){let t=e.indexOf(`.`);return e.substring(0,t)}function ju(e){return`${Math.round(e[0])},${Math.round(e[1])},${Math.round(e[2])}`}function Mu(e,t){return`${e.volumeId}:${e.changestack}:${t}`}function Nu(e){let t=e.description||``,n=e.relatedSegments===void 0?void 0:Array.from(e.relatedSegments[0],e=>e.toString());switch(e.type){case Sl.LINE:{let{pointA:r,pointB:i}=e,a=dn(V(),i,r);return{type:`LINE`,corner:ju(r),size:ju(a),object_labels:n,payload:t}}case Sl.AXIS_ALIGNED_BOUNDING_BOX:{let{pointA:r,pointB:i}=e,a=ra(V(),r,i),o=ia(V(),r,i),s=dn(o,o,a);return{type:`VOLUME`,corner:ju(a),size:ju(s),object_labels:n,payload:t}}case Sl.POINT:return{type:`LOCATION`,corner:ju(e.point),size:`0,0,0`,object_labels:n,payload:t};case Sl.ELLIPSOID:{let r=dn(V(),e.center,e.radii),i=pn(V(),e.radii,2);return{type:`LOCATION`,corner:ju(r),size:ju(i),object_labels:n,payload:t}}}}let Pu=class extends cu(ws,ql){async download(e,t){let{parameters:n}=this;return Promise.all(xu.map(e=>Bl(n.instance,this.credentialsProvider,`/v1/changes/${n.volumeId}/${n.changestack}/spatials:get`,{signal:t,method:`POST`,body:JSON.stringify({type:e,ignore_payload:!0})}).then(e=>e.json()))).then(t=>{ku(e,t)})}};Pu=au([R()],Pu);let Fu=class extends cu(Es,Kl){downloadSegmentFilteredGeometry(e,t,n){let{parameters:r}=this;return Promise.all(xu.map(t=>Bl(r.instance,this.credentialsProvider,`/v1/changes/${r.volumeId}/${r.changestack}/spatials:get`,{signal:n,method:`POST`,body:JSON.stringify({type:t,object_labels:[e.objectId.toString()],ignore_payload:!0})}).then(e=>e.json()))).then(t=>{ku(e,t)})}downloadMetadata(e,t){let{parameters:n}=this,r=e.key;return Bl(n.instance,this.credentialsProvider,`/v1/changes/${n.volumeId}/${n.changestack}/spatials:get`,{signal:t,method:`POST`,body:JSON.stringify({type:Au(r),id:Mu(n,r)})}).then(e=>e.json()).then(t=>{e.annotation=Du(t,Cu(n),r)},()=>{e.annotation=null})}add(e){let{parameters:t}=this,n=Nu(e);return Bl(t.instance,this.credentialsProvider,`/v1/changes/${t.volumeId}/${t.changestack}/spatials:push`,{method:`POST`,body:JSON.stringify({annotations:[n]})}).then(e=>e.json()).then(e=>{lr(e);let t=H(e,`ids`,hr);if(t.length!==1)throw Error(`Expected list of 1 id, but received ${JSON.stringify(t)}.`);return wu(Cu(this.parameters),t[0])})}update(e,t){let{parameters:n}=this,r=Nu(t);return r.id=Mu(n,e),Bl(n.instance,this.credentialsProvider,`/v1/changes/${n.volumeId}/${n.changestack}/spatials:push`,{method:`POST`,body:JSON.stringify({annotations:[r]})}).then(e=>e.json())}delete(e){let{parameters:t}=this;return Bl(t.instance,this.credentialsProvider,`/v1/changes/${t.volumeId}/${t.changestack}/spatials:delete`,{method:`POST`,body:JSON.stringify({type:Au(e),ids:[Mu(t,e)]})}).then(e=>e.json())}};Fu=au([R()],Fu);
/**
* @license
* Copyright 2022 William Silversmith
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const Iu=Ac(`decodePng`);
/**
* @license
* Copyright 2016 Google Inc., 2023 Gergely Csucs
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var Lu=/* @__PURE__ */ (e=>(e[e.JPG=0]=`JPG`,e[e.JPEG=1]=`JPEG`,e[e.PNG=2]=`PNG`,e))(Lu||{}),Ru=class{url;encoding;format;tilesize;overlap;static RPC_ID=`deepzoom/ImageTileSource`},zu=Object.defineProperty,Bu=Object.getOwnPropertyDescriptor,Vu=(e,t,n,r)=>{
/**
* @license
* Copyright 2016 Google Inc., 2023 Gergely Csucs
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
for(var i=r>1?void 0:r?Bu(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&zu(t,n,i),i};let Hu=class extends Hr(Li(tl),Ru){tileKvStore=this.sharedKvStoreContext.kvStoreContext.getKvStore(this.parameters.url);gridShape=(()=>{let e=/* @__PURE__ */ new Uint32Array(2),{upperVoxelBound:t,chunkDataSize:n}=this.spec;for(let r=0;r<2;++r)e[r]=Math.ceil(t[r]/n[r]);return e})();async download(e,t){let{parameters:n}=this,{tilesize:r,overlap:i,encoding:a}=n,[o,s]=e.chunkGridPosition,c=o===0?0:i,l=s===0?0:i,u=`${this.tileKvStore.path}/${o}_${s}.${n.format}`,d=await this.tileKvStore.store.read(u,{signal:t});if(d===void 0)return;let f=new Uint8Array(await d.response.arrayBuffer()),p=0,m=0,h;switch(a){case Lu.PNG:{let e=await Vc(Iu,t,[f.buffer],f,void 0,void 0,void 0,3,1,!1);({width:p,height:m}=e),h=jn(e.uint8Array,p*m,3);break}case Lu.JPG:case Lu.JPEG:{let e=await Vc(Zc,t,[f.buffer],f,void 0,void 0,void 0,3,!1);({uint8Array:h,width:p,height:m}=e);break}}if(h!==void 0){let t=r*r,n=p*m,i=e.data=new Uint8Array(t*3);for(let e=0;e<3;e++)for(let a=0;a<m;a++)for(let o=0;o<p;o++)i[o+a*r+e*t]=h[o+c+(a+l)*p+e*n]}}};Hu=Vu([R()],Hu);
/**
* @license
* This work is a derivative of the Google Neuroglancer project,
* Copyright 2016 Google Inc.
* The Derivative Work is covered by
* Copyright 2019 Howard Hughes Medical Institute
*
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var Uu=class{constructor(e,t){this.baseUrl=e,this.nodeKey=t}getNodeApiUrl(e=``){return`${this.baseUrl}/api/node/${this.nodeKey}${e}`}getRepoInfoUrl(){return`${this.baseUrl}/api/repos/info`}getKeyValueUrl(e,t){return`${this.getNodeApiUrl()}/${e}/key/${t}`}getKeyValueRangeUrl(e,t,n){return`${this.getNodeApiUrl()}/${e}/keyrange/${t}/${n}`}getKeyValuesUrl(e){return`${this.getNodeApiUrl()}/${e}/keyvalues?jsontar=false`}};function Wu(e,t){return e.includes(`?`)?e+=`&`:e+=`?`,e+=`app=Neuroglancer`,t&&(e+=`&u=${t}`),e}function Gu(e,t,n){return Ns(e,t,n,(e,t)=>{let n={...t};return e.token&&(n.headers={...n.headers,Authorization:`Bearer ${e}`}),n},e=>{let{status:t}=e;if(t===403||t===401)return`refresh`;throw e})}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var Ku=/* @__PURE__ */ (e=>(e[e.JPEG=0]=`JPEG`,e[e.RAW=1]=`RAW`,e[e.COMPRESSED_SEGMENTATION=2]=`COMPRESSED_SEGMENTATION`,e[e.COMPRESSED_SEGMENTATIONARRAY=3]=`COMPRESSED_SEGMENTATIONARRAY`,e))(Ku||{}),qu=class{baseUrl;nodeKey;dataInstanceKey;authServer;user},Ju=class extends qu{dataScale;encoding;static RPC_ID=`dvid/VolumeChunkSource`},Yu=class extends qu{static RPC_ID=`dvid/SkeletonSource`},Xu=class extends qu{static RPC_ID=`dvid/MeshSource`};
/**
* @license
* This work is a derivative of the Google Neuroglancer project,
* Copyright 2016 Google Inc.
* The Derivative Work is covered by
* Copyright 2020 Howard Hughes Medical Institute
*
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function Zu(e,t){let n=Qu(t);if(n.length<1)throw Error(`ERROR parsing swc data`);let r=new Uint32Array(n.length),i=0,a=0;n.forEach((e,t)=>{e&&(r[t]=i++,e.parent>=0&&++a)});let o=new Float32Array(3*i),s=new Uint32Array(2*a),c=0,l=0;n.forEach(e=>{e&&(o[3*c]=e.x,o[3*c+1]=e.y,o[3*c+2]=e.z,e.parent>=0&&(s[2*l]=c,s[2*l+1]=r[e.parent],++l),++c)}),e.indices=s,e.vertexPositions=o}function Qu(e){let t=e.split(`
`),n=[],r=`-?\\d*(?:\\.\\d+)?`,i=RegExp(`^[ \\t]*(`+[`\\d+`,`\\d+`,r,r,r,r,`-1|\\d+`].join(`)[ \\t]+(`)+`)[ \\t]*$`);return t.forEach(e=>{let t=e.match(i);if(t){let e=n[parseInt(t[1],10)]=new $u;e.type=parseInt(t[2],10),e.x=parseFloat(t[3]),e.y=parseFloat(t[4]),e.z=parseFloat(t[5]),e.radius=parseFloat(t[6]),e.parent=parseInt(t[7],10)}}),n}var $u=class{type;x;y;z;radius;parent},ed=Object.defineProperty,td=Object.getOwnPropertyDescriptor,nd=(e,t,n,r)=>{
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
for(var i=r>1?void 0:r?td(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&ed(t,n,i),i};function rd(e,t){return Hr(Zr()(e),t)}let id=class extends rd(Ql,Yu){download(e,t){let{parameters:n}=this,r=`${e.objectId}`,i=`${n.baseUrl}/api/node/${n.nodeKey}/${n.dataInstanceKey}/key/`+r+`_swc`;return Gu(this.credentialsProvider,Wu(i,n.user),{signal:t}).then(e=>e.arrayBuffer()).then(t=>{Zu(e,new TextDecoder(`utf-8`).decode(t))})}};id=nd([R()],id);function ad(e,t){let n=new DataView(t).getUint32(0,!0);Ec(e,hc(t,W.LITTLE,4,n))}let od=class extends rd(gc,Xu){download(e){return e.fragmentIds=[`${e.objectId}`],Promise.resolve(void 0)}downloadFragment(e,t){let{parameters:n}=this,r=new Uu(n.baseUrl,n.nodeKey).getKeyValueUrl(n.dataInstanceKey,`${e.fragmentId}.ngmesh`);return Gu(this.credentialsProvider,Wu(r,n.user),{signal:t}).then(e=>e.arrayBuffer()).then(t=>ad(e,t))}};od=nd([R()],od);let sd=class extends rd(tl,Ju){async download(e,t){let n=this.parameters,r;{let t=this.computeChunkBounds(e),n=e.chunkDataSize;r=this.getPath(t,n)}let i=this.getDecoder(n),a=await Gu(this.credentialsProvider,Wu(`${n.baseUrl}${r}`,n.user),{signal:t}).then(e=>e.arrayBuffer());await i(e,t,n.encoding===Ku.JPEG?a.slice(16):a)}getPath(e,t){let n=this.parameters;return n.encoding===Ku.JPEG?`/api/node/${n.nodeKey}/${n.dataInstanceKey}/subvolblocks/${t[0]}_${t[1]}_${t[2]}/${e[0]}_${e[1]}_${e[2]}`:n.encoding===Ku.RAW?`/api/node/${n.nodeKey}/${n.dataInstanceKey}/raw/0_1_2/${t[0]}_${t[1]}_${t[2]}/${e[0]}_${e[1]}_${e[2]}/jpeg`:n.encoding===Ku.COMPRESSED_SEGMENTATIONARRAY?`/api/node/${n.nodeKey}/${n.dataInstanceKey}/raw/0_1_2/${t[0]}_${t[1]}_${t[2]}/${e[0]}_${e[1]}_${e[2]}?compression=googlegzip&scale=${n.dataScale}`:`/api/node/${n.nodeKey}/${n.dataInstanceKey}/raw/0_1_2/${t[0]}_${t[1]}_${t[2]}/${e[0]}_${e[1]}_${e[2]}?compression=googlegzip`}getDecoder(e){return e.encoding===Ku.JPEG||e.encoding===Ku.RAW?Qc:tu}};sd=nd([R()],sd);
/**
* @license
* Copyright 2023 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function cd(e,t){if(t===void 0)return{outer:e,inner:{offset:0,length:e.length}};if(`suffixLength`in t){let n=Math.min(e.length,t.suffixLength);return{outer:{offset:e.offset+(e.length-n),length:n},inner:{offset:e.length-n,length:n}}}if(t.offset+t.length>e.length)throw Error(`Requested byte range ${JSON.stringify(t)} not valid for value of length ${e.length}`);return{outer:{offset:e.offset+t.offset,length:t.length},inner:t}}function ld(e,t){let{outer:{offset:n,length:r}}=cd({offset:0,length:e.length},t);return{offset:n,length:r,totalSize:e.length,response:new Response(e.subarray(n,n+r))}}var ud=class{constructor(e,t){this.base=e,this.byteRange=t}async stat(e){return{totalSize:this.byteRange.length}}async read(e){let{byteRange:t}=this,{outer:n,inner:r}=cd(t,e.byteRange);return n.length===0?{response:new Response(/* @__PURE__ */ new Uint8Array),totalSize:t.length,...r}:{response:(await ri(this.base,{signal:e.signal,byteRange:n,strictByteRange:!0,throwIfMissing:!0})).response,totalSize:t.length,...r}}getUrl(){let{offset:e,length:t}=this.byteRange;return`${this.base.getUrl()}|range:${e}-${e+t}`}};
/**
* @license
* Copyright 2023 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function dd(e){if(e!==void 0)return`bytes=${e.offset}-${e.offset+e.length-1}`}const fd=navigator.userAgent.indexOf(`Chrome`)===-1?`default`:`no-store`;function pd(e,t){return new URL(e).pathname+`/`===new URL(t.url).pathname}function md(e){let t=e.match(/bytes ([0-9]+)-([0-9]+)\/([0-9]+|\*)/);if(t===null)throw Error(`Invalid content-range header: ${JSON.stringify(e)}`);let n=parseInt(t[1],10),r=parseInt(t[2],10),i;return t[3]!==`*`&&(i=parseInt(t[3],10)),{offset:n,length:r-n+1,totalSize:i}}async function hd(e,t,n,r,i=js){let a;try{let{byteRange:o}=r,s;if(o!==void 0){if(`suffixLength`in o){let c=await vd(e,t,n,r,i);if(c===void 0)return;let{totalSize:l}=c;if(l===void 0)throw Error(`Failed to determine total size of ${e.getUrl(t)} in order to fetch suffix ${JSON.stringify(o)}`);if(a=cd({offset:0,length:l},o).outer,a.length===0)return{...a,totalSize:l,response:new Response(/* @__PURE__ */ new Uint8Array)};s=dd(a)}else a=o,s=a.length===0?dd({offset:Math.max(a.offset-1,0),length:1}):dd(a)}let c={signal:r.signal,progressListener:r.progressListener};s!==void 0&&(c.headers={range:s},c.cache=fd);let l=await i(n,c);if(pd(n,l))return;let u,d,f;if(l.status===206){let e=l.headers.get(`content-range`);if(e===null){if(a!==void 0)u=a.offset;else throw Error(`Unexpected HTTP 206 response when no byte range specified.`)}e!==null&&({offset:u,length:d,totalSize:f}=md(e))}else d=f=gd(l.headers);return u===void 0&&(u=0),d===void 0&&(d=gd(l.headers)),a?.length===0&&(l=new Response(/* @__PURE__ */ new Uint8Array),u=a.offset,d=0),{response:l,offset:u,length:d,totalSize:f}}catch(n){return n instanceof ks&&n.status===416&&a?.length===0&&a.offset===0?{response:new Response(/* @__PURE__ */ new Uint8Array),offset:0,length:0,totalSize:0}:_d(e,t,r,n)}}function gd(e){let t=e.get(`content-length`);if(e.get(`content-encoding`)===null&&t!==null){let e=Number(t);if(!Number.isFinite(e)||e<0)throw Error(`Invalid content-length: {contentLength}`);return e}}function _d(e,t,n,r){if(Ms(r)){if(n.throwIfMissing===!0)throw new ti(new oi(e,t),{cause:r})}else throw r}async function vd(e,t,n,r,i=js){try{let e=await i(n,{method:`HEAD`,signal:r.signal,progressListener:r.progressListener});return pd(n,e)?void 0:{totalSize:gd(e.headers)}}catch(n){if(!(n instanceof ks&&(n.status===405||n.status===501)))return _d(e,t,r,n)}try{let e=await i(n,{signal:r.signal,progressListener:r.progressListener,headers:{range:`bytes=0-0`}});if(pd(n,e))return;let t;if(e.status===200)t=gd(e.headers);else{let n=e.headers.get(`content-range`);n!==null&&({totalSize:t}=md(n))}return{totalSize:t}}catch(n){return n instanceof ks&&n.status===416?{totalSize:0}:_d(e,t,r,n)}}
/**
* @license
* Copyright 2023 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var yd=class{constructor(e,t,n=t,r=js){this.sharedKvStoreContext=e,this.baseUrl=t,this.baseUrlForDisplay=n,this.fetchOkImpl=r}stat(e,t){return vd(this,e,Si(this.baseUrl,e),t,this.fetchOkImpl)}read(e,t){return hd(this,e,Si(this.baseUrl,e),t,this.fetchOkImpl)}getUrl(e){return Si(this.baseUrlForDisplay,e)}get supportsOffsetReads(){return!0}get supportsSuffixReads(){return!0}};function bd(e,t,n){return{scheme:e,description:`${e} (unauthenticated)`,getKvStore(e){try{let{baseUrl:r,path:i}=Ci(e.url);return{store:new n(t,r),path:i}}catch(t){throw Error(`Invalid URL ${JSON.stringify(e.url)}`,{cause:t})}}}}function xd(e,t){for(let n of[`http`,`https`])e.registerBaseKvStoreProvider(e=>bd(n,e,t))}
/**
* @license
* Copyright 2019 The Neuroglancer Authors
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var Sd=class{url;static RPC_ID=`graphene/ChunkedGraphSource`},Cd=class{manifestUrl;fragmentUrl;lod;sharding;nBitsForLayerId;static RPC_ID=`graphene/MeshSource`};function wd(e,t){return e>>BigInt(64-t)==1n}function Td(e){if(e.charAt(0)===`~`){let t=e.substring(1).split(/:(.+)/);return{key:t[0],fragmentId:t[1]}}return{key:e,fragmentId:e}}async function Ed(e){if(e.response){let t;return t=e.response.headers.get(`content-type`)===`application/json`?(await e.response.json()).message:await e.response.text(),t}}function Dd(e,t){let{store:n,path:r}=e.getKvStore(t);if(!(n instanceof yd))throw Error(`Non-HTTP URL ${JSON.stringify(t)} not supported`);let{fetchOkImpl:i,baseUrl:a}=n;if(a.includes(`?`))throw Error(`Invalid URL ${a}: query parameters not supported`);return{fetchOkImpl:i,baseUrl:Si(a,r)}}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var Od=/* @__PURE__ */ (e=>(e[e.RAW=0]=`RAW`,e[e.JPEG=1]=`JPEG`,e[e.COMPRESSED_SEGMENTATION=2]=`COMPRESSED_SEGMENTATION`,e[e.COMPRESSO=3]=`COMPRESSO`,e[e.PNG=4]=`PNG`,e[e.JXL=5]=`JXL`,e))(Od||{}),kd=class{url;encoding;sharding;static RPC_ID=`precomputed/VolumeChunkSource`},Ad=class{url;lod;static RPC_ID=`precomputed/MeshSource`},jd=/* @__PURE__ */ (e=>(e[e.RAW=0]=`RAW`,e[e.GZIP=1]=`GZIP`,e))(jd||{}),Md=/* @__PURE__ */ (e=>(e[e.IDENTITY=0]=`IDENTITY`,e[e.MURMURHASH3_X86_128=1]=`MURMURHASH3_X86_128`,e))(Md||{}),Nd=class{url;metadata;static RPC_ID=`precomputed/MultiscaleMeshSource`},Pd=class{url;metadata;static RPC_ID=`precomputed/SkeletonSource`},Fd=class{url;sharding;static RPC_ID=`precomputed/AnnotationSpatialIndexSource`},Id=class{rank;relationships;properties;byId;type;static RPC_ID=`precomputed/AnnotationSource`};
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const Ld=Symbol(`objectId`);let Rd=0;function zd(e){if(e instanceof Object){let t=e[Ld];return t===void 0&&(t=e[Ld]=Rd++),`o${t}`}return``+JSON.stringify(e)}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var Bd=class extends Er{asyncMemoize;initialize(e){super.initialize(e)}freeSystemMemory(){this.asyncMemoize=void 0}},Vd=class extends Dr{constructor(e,t){super(e),this.registerDisposer(e),this.downloadFunction=t.get,this.encodeKeyFunction=t.encodeKey??Qn}encodeKeyFunction;downloadFunction;get(e,t){let n=this.encodeKeyFunction(e),r=this.chunks.get(n);return r===void 0&&(r=this.getNewChunk_(Bd),r.initialize(n),this.addChunk(r)),r.asyncMemoize===void 0&&(r.asyncMemoize=yr(async t=>{try{let{data:n,size:i}=await this.downloadFunction(e,t);return r.systemMemoryBytes=i,r.queueManager.updateChunkState(r,z.SYSTEM_MEMORY_WORKER),n}catch(e){throw r.queueManager.updateChunkState(r,z.FAILED),e}})),r.state===z.SYSTEM_MEMORY_WORKER&&r.chunkManager.queueManager.markRecentlyUsed(r),r.asyncMemoize(t)}};function Hd(e,t,n){return e.memoize.get(`simpleAsyncCache:${t}`,()=>new Vd(e.addRef(),n))}function Ud(e,t,n,r){return e.chunkManager.memoize.get(`getCachedDecodedUrl:${zd(n)}`,()=>{let t=new Vd(e.chunkManager.addRef(),{get:async(t,r)=>{let i=await e.kvStoreContext.read(t,{...r,throwIfMissing:!0});try{return n(i,r)}catch(e){throw Error("Error reading ${url}",{cause:e})}}});return t.registerDisposer(e.addRef()),t}).get(t,r)}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var Wd=class{constructor(e,t){this.base=e,this.format=t}async stat(e){return await this.base.stat(e),{totalSize:void 0}}async read(e){let{byteRange:t}=e;if(t===void 0){let t=await this.base.read(e);return t===void 0?void 0:{response:new Response(Gc(t.response,this.format)),offset:0,length:void 0,totalSize:void 0}}if(`suffixLength`in t||t.offset!==0)throw Error(`Byte range with offset not supported: ${JSON.stringify(t)}`);let n=new Uint8Array(t.length),r=[],i=0,a=t.length+100;for(;;){let t=await this.base.read({...e,byteRange:{offset:i,length:a-i}});if(t===void 0)return;{let e=new Uint8Array(await t.response.arrayBuffer());r.push(e),i+=e.length}let o=new DecompressionStream(`gzip`),s=o.writable.getWriter(),c=[];for(let e of r)c.push(s.write(e));c.push(s.close());let l=o.readable.getReader(),u=0;try{for(;u<n.length;){let{value:e}=await l.read();if(e===void 0)break;let t=n.length-u;e.length>t&&(e=e.subarray(0,t)),n.set(e,u),u+=e.length}if(u===n.length||i===t.totalSize)return u<n.length&&(n=n.subarray(0,u)),{response:new Response(n),offset:0,length:n.length,totalSize:void 0}}finally{await l.cancel(),await Promise.allSettled(c)}a+=Math.min(100,n.length-u)}}getUrl(){return this.base.getUrl()+`|gzip`}};
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function Gd(e){return e^=e>>>16,e=Math.imul(e,2246822507),e^=e>>>13,e=Math.imul(e,3266489909),e^=e>>>16,e}function Kd(e,t){return e<<t|e>>>32-t}function qd(e,t){let n=e,r=e,i=e,a=e,o=2869860233,s=Math.imul(Number(t>>BigInt(32)),o);s=Kd(s,16),s=Math.imul(s,951274213),r^=s;let c=Math.imul(Number(t&BigInt(4294967295)),597399067);return c=Kd(c,15),c=Math.imul(c,o),n^=c,n^=8,r^=8,i^=8,a^=8,n=n+r>>>0,n=n+i>>>0,n=n+a>>>0,r=r+n>>>0,i=i+n>>>0,a=a+n>>>0,n=Gd(n),r=Gd(r),i=Gd(i),a=Gd(a),n=n+r>>>0,n=n+i>>>0,n=n+a>>>0,r=r+n>>>0,BigInt(n)|BigInt(r)<<BigInt(32)}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const Jd=/* @__PURE__ */ new Map([[Md.MURMURHASH3_X86_128,e=>qd(0,e)],[Md.IDENTITY,e=>e]]);function Yd(e,t){return t===jd.GZIP&&(e=new Wd(e,`gzip`)),e}function Xd(e,t,n){return new Vd(e.addRef(),{encodeKey:e=>e.toString(),get:async(e,r)=>{let i=e&(1n<<BigInt(n.minishardBits))-1n,a=(1n<<BigInt(n.shardBits))-1n&e>>BigInt(n.minishardBits),o=t.path+a.toString(16).padStart(Math.ceil(n.shardBits/4),`0`)+`.shard`,s=new oi(t.store,o),c=BigInt(16)<<BigInt(n.minishardBits),l=i<<4n,u=await ri(s,{...r,byteRange:{offset:Number(l),length:16},strictByteRange:!0});if(u===void 0)return{data:void 0,size:0};let d=await u.response.arrayBuffer(),f=new DataView(d),p=f.getBigUint64(0,!0),m=f.getBigUint64(8,!0);if(p===m)return{data:void 0,size:0};p+=c,m+=c;let h=await(await ri(Yd(new ud(s,{offset:Number(p),length:Number(m-p)}),n.minishardIndexEncoding),{...r,strictByteRange:!0,throwIfMissing:!0})).response.arrayBuffer();if(h.byteLength%24!=0)throw Error(`Invalid minishard index length: ${h.byteLength}`);let g=new BigUint64Array(h);ec(g,W.LITTLE);let _=g.byteLength/24,v=0n,y=c;for(let e=0;e<_;++e){let t=v+g[e];v=g[e]=t;let n=y+g[_+e];g[_+e]=n;let r=n+g[2*_+e];y=r,g[2*_+e]=r}return{data:{data:g,shardPath:o},size:g.byteLength}}})}function Zd(e,t){let n=e.data,r=n.length/3;for(let e=0;e<r;++e){if(n[e]!==t)continue;let i=n[r+e],a=n[2*r+e];return{offset:Number(i),length:Number(a-i)}}}var Qd=class extends it{constructor(e,t,n){super(),this.base=t,this.sharding=n,this.minishardIndexCache=this.registerDisposer(Xd(e,t,n))}minishardIndexCache;getUrl(e){return`chunk ${e} in ${this.base.store.getUrl(this.base.path)}`}async findKey(e,t){let{sharding:n}=this,r=Jd.get(n.hash)(e>>BigInt(n.preshiftBits))&(1n<<BigInt(n.minishardBits+n.shardBits))-1n,i=await this.minishardIndexCache.get(r,t);if(i===void 0)return;let a=Zd(i,e);if(a!==void 0)return{minishardEntry:a,shardInfo:{shardPath:i.shardPath,offset:a.offset}}}async readWithShardInfo(e,t){let{sharding:n}=this,r=await this.findKey(e,t);if(r===void 0)return;let{minishardEntry:i,shardInfo:a}=r;return{response:await Yd(new ud(new oi(this.base.store,a.shardPath),i),n.dataEncoding).read(t),shardInfo:a}}async stat(e,t){let n=await this.findKey(e,t);if(n===void 0)return;let{sharding:r}=this;return r.dataEncoding===jd.RAW?{totalSize:n.minishardEntry.length}:{totalSize:void 0}}async read(e,t){let n=await this.readWithShardInfo(e,t);if(n!==void 0)return n.response}get supportsOffsetReads(){return this.sharding.dataEncoding===jd.RAW}get supportsSuffixReads(){return this.sharding.dataEncoding===jd.RAW}};function $d(e,t,n){if(n!==void 0)return e.registerDisposer(new Qd(e.chunkManager,t,n))}
/**
* @license
* Copyright 2019 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
let ef,tf=0,nf;const rf={emscripten_notify_memory_growth:e=>{},neuroglancer_draco_receive_decoded_mesh:(e,t,n,r,i)=>{let a=e*3,o=nf.exports.memory;ef={indices:new Uint32Array(o.buffer,n,a).slice(),vertexPositions:new Uint32Array(o.buffer,r,3*t).slice(),subChunkOffsets:new Uint32Array(o.buffer,i,tf+1).slice()}},proc_exit:e=>{throw`proc exit: ${e}`}};let af;function of(){return af??=(async()=>{let e=nf=(await WebAssembly.instantiateStreaming(fetch(new URL(`/assets/neuroglancer_draco-DghDCUD5.wasm`,``+import.meta.url)),{env:rf,wasi_snapshot_preview1:rf})).instance;return e.exports._initialize(),e})(),af}async function sf(e,t,n){let r=await of(),i=r.exports.malloc(e.byteLength);new Uint8Array(r.exports.memory.buffer).set(e,i),tf=n?8:1;let a=r.exports.neuroglancer_draco_decode(i,e.byteLength,n,t,!0);if(a===0){let e=ef;if(ef=void 0,e instanceof Error)throw e;return e}throw Error(`Failed to decode draco mesh: ${a}`)}async function cf(e){let t=await of(),n=t.exports.malloc(e.byteLength);new Uint8Array(t.exports.memory.buffer).set(e,n);let r=t.exports.neuroglancer_draco_decode(n,e.byteLength,!1,0,!1);if(r===0){let e=ef;if(ef=void 0,e instanceof Error)throw e;return e.vertexPositions=new Float32Array(e.vertexPositions.buffer),e}throw Error(`Failed to decode draco mesh: ${r}`)}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function lf(e,t,n){let r=new DataView(t),i=r.getUint32(0,!0),a=r.getUint32(4,!0),o=8+i*4*3;eu(e,t,W.LITTLE,8,i,o,a),o+=a*4*2;let s=[];for(let e of n.values()){let n=ha[e.dataType]*e.numComponents,r=n*i,a=new Uint8Array(t,o,r);switch(n){case 2:Qs(a,W.LITTLE);break;case 4:case 8:$s(a,W.LITTLE)}s.push(a),o+=r}e.vertexAttributes=s}
/**
* @license
* Copyright 2021 William Silversmith
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const uf=Ac(`decodeCompresso`);
/**
* @license
* Copyright 2021 William Silvermsith.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
async function df(e,t,n){await nu(e,t,(await Vc(uf,t,[n],new Uint8Array(n))).buffer)}
/**
* @license
* Copyright 2024 William Silversmith
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const ff=Ac(`decodeJxl`);
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
async function pf(e,t,n){let r=e.chunkDataSize,{uint8Array:i}=await Vc(ff,t,[n],new Uint8Array(n),r[0]*r[1]*r[2],r[3]||1,1);await Hc(e,t,i)}
/**
* @license
* Copyright 2022 William Silvermsith.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
async function mf(e,t,n){let r=e.chunkDataSize,i=e.source.spec.dataType,{uint8Array:a}=await Vc(Iu,t,[n],new Uint8Array(n),void 0,void 0,r[0]*r[1]*r[2],r[3]||1,ha[i],!1);await nu(e,t,a.buffer)}
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var hf=Object.defineProperty,gf=Object.getOwnPropertyDescriptor,_f=(e,t,n,r)=>{for(var i=r>1?void 0:r?gf(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&hf(t,n,i),i};function vf(e){if(e===void 0)throw Error(`not found`);return e}const yf=/* @__PURE__ */ new Map;yf.set(Od.RAW,nu),yf.set(Od.JPEG,Qc),yf.set(Od.COMPRESSED_SEGMENTATION,tu),yf.set(Od.COMPRESSO,df),yf.set(Od.PNG,mf),yf.set(Od.JXL,pf);let bf=class extends Hr(Li(tl),kd){chunkDecoder=yf.get(this.parameters.encoding);kvStore=this.sharedKvStoreContext.kvStoreContext.getKvStore(this.parameters.url);shardedKvStore=$d(this,this.kvStore,this.parameters.sharding);gridShape=(()=>{let e=/* @__PURE__ */ new Uint32Array(3),{upperVoxelBound:t,chunkDataSize:n}=this.spec;for(let r=0;r<3;++r)e[r]=Math.ceil(t[r]/n[r]);return e})();async download(e,t){let{shardedKvStore:n}=this,r;if(n===void 0){let{kvStore:n}=this,i;{let t=this.computeChunkBounds(e),r=e.chunkDataSize;i=`${n.path}${t[0]}-${t[0]+r[0]}_${t[1]}-${t[1]+r[1]}_${t[2]}-${t[2]+r[2]}`}r=await n.store.read(i,{signal:t})}else{this.computeChunkBounds(e);let{gridShape:i}=this,{chunkGridPosition:a}=e,o=Hs(Math.ceil(Math.log2(i[0])),Math.ceil(Math.log2(i[1])),Math.ceil(Math.log2(i[2])),a[0],a[1],a[2]);r=await n.read(o,{signal:t})}r!==void 0&&await this.chunkDecoder(e,t,await r.response.arrayBuffer())}};bf=_f([R()],bf);function xf(e,t){return lc(e,t,`fragments`)}function Sf(e,t){let n=new DataView(t).getUint32(0,!0);Ec(e,hc(t,W.LITTLE,4,n))}let Cf=class extends Hr(Li(gc),Ad){kvStore=this.sharedKvStoreContext.kvStoreContext.getKvStore(this.parameters.url);async download(e,t){let{parameters:n,kvStore:r}=this;xf(e,await(await ni(r.store,`${r.path}${e.objectId}:${n.lod}`,{signal:t,throwIfMissing:!0})).response.json())}async downloadFragment(e,t){let{kvStore:n}=this;Sf(e,await(await ni(n.store,`${n.path}${e.fragmentId}`,{signal:t,throwIfMissing:!0})).response.arrayBuffer())}};Cf=_f([R()],Cf);function wf(e,t){if(t.byteLength<28||t.byteLength%4!=0)throw Error(`Invalid index file size: ${t.byteLength}`);let n=new DataView(t),r=0,i=cn(n.getFloat32(r,!0),n.getFloat32(r+4,!0),n.getFloat32(r+8,!0));r+=12;let a=cn(n.getFloat32(r,!0),n.getFloat32(r+4,!0),n.getFloat32(r+8,!0));r+=12;let o=n.getUint32(r,!0);if(r+=4,t.byteLength<r+20*o)throw Error(`Invalid index file size for ${o} lods: ${t.byteLength}`);let s=new Float32Array(t,r,o);r+=4*o,$s(s,W.LITTLE);let c=new Float32Array(t,r,o*3);$s(c,W.LITTLE),r+=12*o;let l=new Uint32Array(t,r,o);r+=4*o,$s(l,W.LITTLE);let u=l.reduce((e,t)=>e+t);if(t.byteLength!==r+16*u)throw Error(`Invalid index file size for ${o} lods and ${u} total fragments: ${t.byteLength}`);let d=new Uint32Array(t,r);$s(d,W.LITTLE);let f=cn(1/0,1/0,1/0),p=cn(-1/0,-1/0,-1/0),m=Math.max(1,s.length);{let e=0;for(let t=0;t<o;++t){let n=l[t];for(let r=0;r<3;++r){let i=-1/0,a=1/0,o=e+n*r;for(let e=0;e<n;++e){let t=d[o+e];i=Math.max(i,t),a=Math.min(a,t)}if(n!==0){for(;i>>>m-t-1!=a>>>m-t-1;)++m;t===0&&(f[r]=Math.min(f[r],(1<<t)*a),p[r]=Math.max(p[r],(1<<t)*(i+1)))}}e+=n*4}}let h=0;{let e=0,t=0;for(let n=0;n<o;++n){let r=l[n];h+=e*(n-t),t=n,e=r,h+=r}h+=(m-1-t)*e}let g=new Uint32Array(5*h),_=new Float64Array(h+1),v;{let t=0,n=0,r=0,i=0;for(let e=0;e<o;++e){let a=l[e];for(let e=0;e<a;++e){for(let t=0;t<3;++t)g[5*(n+e)+t]=d[i+e+t*a];let t=d[i+e+3*a];r+=t,_[n+e+1]=r,t===0&&(g[5*(n+e)+4]=2147483648)}for(i+=4*a,e!==0&&kc(g,t,n,n+a),t=n,n+=a;e+1<m&&(e+1>=s.length||s[e+1]===0);){let i=Oc(g,t,n);_.fill(r,n+1,i+1),t=n,n=i,++e}}v=g.slice(0,5*n),e.offsets=_.slice(0,n+1)}let{lodScaleMultiplier:y}=e.source.parameters.metadata,b=new Float32Array(m);b.set(s,0);for(let e=0;e<s.length;++e)b[e]*=y;e.manifest={chunkShape:i,chunkGridSpatialOrigin:a,clipLowerBound:un(f,a,fn(f,f,i)),clipUpperBound:un(p,a,fn(p,p,i)),octree:v,lodScales:b,vertexOffsets:c}}async function Tf(e,t){let{lod:n}=e,r=e.manifestChunk.source;Dc(e,await sf(new Uint8Array(t),r.parameters.metadata.vertexQuantizationBits,n!==0),r.format.vertexPositionFormat)}let Ef=class extends Hr(Li(xc),Nd){kvStore=this.sharedKvStoreContext.kvStoreContext.getKvStore(this.parameters.url);shardedKvStore=$d(this,this.kvStore,this.parameters.metadata.sharding);async download(e,t){let{shardedKvStore:n}=this,r;if(n===void 0){let{kvStore:n}=this;r=await n.store.read(`${n.path}${e.objectId}.index`,{signal:t})}else({response:r,shardInfo:e.shardInfo}=vf(await n.readWithShardInfo(e.objectId,{signal:t})));wf(e,await vf(r).response.arrayBuffer())}async downloadFragment(e,t){let{kvStore:n}=this,r=e.manifestChunk,i=e.chunkIndex,{shardInfo:a,offsets:o}=r,s=o[i],c=o[i+1],l,u,d;if(a!==void 0){l=a.shardPath;let e=o[o.length-1],t=a.offset-e+s,n=t+c-s;u=t,d=n}else l=`${n.path}${r.objectId}`,u=s,d=c;await Tf(e,await(await ni(n.store,l,{signal:t,byteRange:{offset:u,length:d-u},throwIfMissing:!0,strictByteRange:!0})).response.arrayBuffer())}};Ef=_f([R()],Ef);async function Df(e,t,n){let{shardedKvStore:r}=e;if(r===void 0){let{kvStore:r}=e;return r.store.read(`${r.path}${t}`,{signal:n})}return r.read(t,{signal:n})}let Of=class extends Hr(Li(Ql),Pd){kvStore=this.sharedKvStoreContext.kvStoreContext.getKvStore(this.parameters.url);shardedKvStore=$d(this,this.kvStore,this.parameters.metadata.sharding);async download(e,t){let{parameters:n}=this;lf(e,await vf(await Df(this,e.objectId,t)).response.arrayBuffer(),n.metadata.vertexAttributes)}};Of=_f([R()],Of);function kf(e,t,n){if(e.byteLength<8)throw Error(`Expected at least 8 bytes`);let r=new DataView(e);if(r.getUint32(4,!0)!==0)throw Error(`Annotation count too high`);let i=r.getUint32(0,!0),a=n.serializedBytes,o=8+a*i,s=i,c=t.type;if(c===Sl.POLYLINE){let e=Mf(r,t.rank,i,a,!0);s=e.numInstances,o=e.totalBytes}let l=Nf(e,r,i,o),u=new Uint8Array(e,8,o-8),d=new ys,f=d.typeToInstanceCounts=Array(Cl.length);f.fill([]);let{propertyGroupBytes:p}=n;if(p.length>1||c===Sl.POLYLINE){let e=Af(r,u,n,s,i,c,t.rank,!0);d.data=e.outputData,f[Sl.POLYLINE]=e.polylineInstanceCounts}else d.data=u,f[t.type]=Array.from({length:l.length},(e,t)=>t);(d.typeToOffset=Array(Cl.length)).fill(0);let m=d.typeToIds=Array(Cl.length),h=d.typeToIdMaps=Array(Cl.length),g=d.typeToSize=Array(Cl.length);return g.fill(0),g[t.type]=s,m.fill([]),m[t.type]=l,h.fill(/* @__PURE__ */ new Map),h[t.type]=new Map(l.map((e,t)=>[e,t])),d}function Af(e,t,n,r,i,a,o,s){let{propertyGroupBytes:c,serializedBytes:l}=n,u=l*r,d=new Uint8Array(u),f=[];a===Sl.POLYLINE&&(f=jf(e,t,d,n,i,o,s));let p=t;if(a===Sl.POLYLINE&&(p=new Uint8Array(d)),c.length>1){let e=0,t=0;for(let n=0;n<c.length;++n){let o=0,s=c[n];for(let n=0;n<i;++n){let c=1;a===Sl.POLYLINE&&(c=n===i-1?r-f[n]:f[n+1]-f[n]);for(let n=0;n<c;++n){let n=e+o*l,r=t+o*s;d.set(p.subarray(n,n+s),r),++o}}e+=s,t+=s*r}}return{outputData:d,polylineInstanceCounts:f}}function jf(e,t,n,r,i,a,o){let s=new DataView(n.buffer),c=0,l=0,u=a*4,d=r.serializedBytes,f=d-2*u-4,p=0,m=Array(i);for(let r=0;r<i;++r){let i=e.getUint32(c+8,o),a=i-1;c+=4;let h=c+i*u;m[r]=p,p+=a;for(let e=0;e<a;++e){let r=+(e===a-1),i=e|r<<31;s.setUint32(l,i,o),n.set(t.subarray(c,c+2*u),l+4),n.set(t.subarray(h,h+f),l+4+2*u),c+=u,l+=d}c=h+f}return m}function Mf(e,t,n,r,i){let a=8,o=0;for(let s=0;s<n;s++){let n=e.getUint32(a,i),s=n-1,c=n*t*4,l=r-2*t*4;a+=c+l,o+=s}return{totalBytes:a,numInstances:o}}function Nf(e,t,n,r){let i=r+8*n;if(e.byteLength!==i)throw Error(`Expected ${i} bytes, but received: ${e.byteLength} bytes`);let a=r,o=Array(n);for(let e=0;e<n;++e)o[e]=t.getBigUint64(a+e*8,!0).toString();return o}function Pf(e,t,n,r){let i=Nl[t.type],a=n.serializedBytes,o=new DataView(e),s=0;if(t.type===Sl.POLYLINE){let e=o.getUint32(0,!0)&2147483647,r=n.serializedBytes-(8*t.rank+4);a=4+e*4*t.rank+r,s=(e-2)*4*t.rank}let c=t.relationships.length,l=a+4*c;if(e.byteLength<l)throw Error(`Expected at least ${l} bytes, but received: ${e.byteLength}`);let u=i.deserialize(o,0,!0,t.rank,r,0);n.deserialize(o,s,0,1,!0,u.properties=Array(t.properties.length)),s=a;let d=u.relatedSegments=[];d.length=c;for(let t=0;t<c;++t){let n=o.getUint32(s,!0);if(e.byteLength<l+n*8)throw Error(`Expected at least ${l} bytes, but received: ${e.byteLength}`);s+=4;let r=d[t]=new BigUint64Array(n);for(let e=0;e<n;++e)r[e]=o.getBigUint64(s,!0),s+=8}if(s!==e.byteLength)throw Error(`Expected ${s} bytes, but received: ${e.byteLength}`);return u}let Ff=class extends Hr(Li(ws),Fd){kvStore=this.sharedKvStoreContext.kvStoreContext.getKvStore(this.parameters.url);shardedKvStore=$d(this,this.kvStore,this.parameters.sharding);async download(e,t){let{shardedKvStore:n}=this,{parent:r}=this,i,{chunkGridPosition:a}=e;if(n===void 0){let{kvStore:e}=this,n=`${e.path}${a.join(`_`)}`;i=await e.store.read(n,{signal:t})}else{let{upperChunkBound:r}=this.spec,{chunkGridPosition:a}=e,o=Us(a,r);i=await n.read(o,{signal:t})}i!==void 0&&(e.data=kf(await i.response.arrayBuffer(),r.parameters,r.annotationPropertySerializer))}};Ff=_f([R()],Ff);let If=class extends Hr(Li(Es),Id){kvStore=this.sharedKvStoreContext.kvStoreContext.getKvStore(this.parameters.byId.url);shardedKvStore=$d(this,this.kvStore,this.parameters.byId.sharding);relationshipIndexSource=this.parameters.relationships.map(e=>{let t=this.sharedKvStoreContext.kvStoreContext.getKvStore(e.url);return{kvStore:t,shardedKvStore:$d(this,t,e.sharding)}});annotationPropertySerializer=new El(this.parameters.rank,Nl[this.parameters.type].serializedBytes(this.parameters.rank),this.parameters.properties);async downloadSegmentFilteredGeometry(e,t,n){let r=await Df(this.relationshipIndexSource[t],e.objectId,n);r!==void 0&&(e.data=kf(await r.response.arrayBuffer(),this.parameters,this.annotationPropertySerializer))}async downloadMetadata(e,t){let n=BigInt(e.key),r=await Df(this,n,t);e.annotation=r===void 0?null:Pf(await r.response.arrayBuffer(),this.parameters,this.annotationPropertySerializer,e.key)}};If=_f([R()],If);
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var Lf=Object.defineProperty,Rf=Object.getOwnPropertyDescriptor,zf=(e,t,n,r)=>{for(var i=r>1?void 0:r?Rf(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&Lf(t,n,i),i};function Bf(e,t,n){if(t&&t.charAt(0)===`~`){let r=t.substring(1).split(`:`),i={offset:Number(r[1]),length:Number(r[2])};return ni(e.store,`${e.path}initial/${r[0]}`,{signal:n,byteRange:i,throwIfMissing:!0})}return ni(e.store,`${e.path}dynamic/${t}`,{signal:n,throwIfMissing:!0})}function Vf(e,t,n,r){return n.sharding?Bf(e,t,r):ni(e.store,`${e.path}/${t}`,{signal:r,throwIfMissing:!0})}async function Hf(e,t){Ec(e,await cf(t))}let Uf=class extends Hr(Li(gc),Cd){manifestRequestCount=/* @__PURE__ */ new Map;newSegments=new is;manifestHttpSource=Dd(this.sharedKvStoreContext.kvStoreContext,this.parameters.manifestUrl);fragmentKvStore=this.sharedKvStoreContext.kvStoreContext.getKvStore(this.parameters.fragmentUrl);addNewSegment(e){let{newSegments:t}=this;t.add(e),setTimeout(()=>{t.delete(e)},6e5)}async download(e,t){let{parameters:n,newSegments:r,manifestRequestCount:i}=this;if(wd(e.objectId,n.nBitsForLayerId))return xf(e,{fragments:[]});let{fetchOkImpl:a,baseUrl:o}=this.manifestHttpSource,s=`/manifest/${e.objectId}:${n.lod}?verify=1&prepend_seg_ids=1`,c=await(await a(o+s,{signal:t})).json(),l=s;if(r.has(e.objectId)){let t=(i.get(l)??0)+1;i.set(l,t),setTimeout(()=>{this.chunkManager.queueManager.updateChunkState(e,z.QUEUED)},2**t*1e3)}else i.delete(l);return xf(e,c)}async downloadFragment(e,t){let{response:n}=await Vf(this.fragmentKvStore,e.fragmentId,this.parameters,t);await Hf(e,new Uint8Array(await n.arrayBuffer()))}getFragmentKey(e,t){return Td(t)}};Uf=zf([R()],Uf);var Wf=class extends Er{chunkGridPosition;source=null;segment;leaves=/* @__PURE__ */ new BigUint64Array;chunkDataSize;initializeVolumeChunk(e,t){super.initialize(e),this.chunkGridPosition=Float32Array.from(t)}initializeChunkedGraphChunk(e,t,n){this.initializeVolumeChunk(e,t),this.chunkDataSize=null,this.systemMemoryBytes=16,this.gpuMemoryBytes=0,this.segment=n}downloadSucceeded(){this.systemMemoryBytes=16,this.systemMemoryBytes+=this.leaves.byteLength,this.queueManager.updateChunkState(this,z.SYSTEM_MEMORY_WORKER),this.priorityTier<B.RECENT&&this.source.chunkManager.scheduleUpdateChunkPriorities(),super.downloadSucceeded()}freeSystemMemory(){this.leaves=/* @__PURE__ */ new BigUint64Array}};function Gf(e){return BigUint64Array.from(e,gr)}let Kf=class extends Hr(Li(kr),Sd){spec;tempChunkDataSize;tempChunkPosition;httpSource=Dd(this.sharedKvStoreContext.kvStoreContext,this.parameters.url);constructor(e,t){super(e,t),this.spec=t.spec;let n=this.spec.rank;this.tempChunkDataSize=new Uint32Array(n),this.tempChunkPosition=new Float32Array(n)}async download(e,t){let n=this.computeChunkBounds(e),r=e.chunkDataSize,i=`${n[0]}-${n[0]+r[0]}_${n[1]}-${n[1]+r[1]}_${n[2]}-${n[2]+r[2]}`,{fetchOkImpl:a,baseUrl:o}=this.httpSource,s=a(`${o}/${e.segment}/leaves?int64_as_str=1&bounds=${i}`,{signal:t});await this.withErrorMessage(s,`Fetching leaves of segment ${e.segment} in region ${i}: `).then(e=>e.json()).then(t=>{e.leaves=Gf(t.leaf_ids)}).catch(e=>{e instanceof Error&&e.name===`AbortError`||console.error(e)})}getChunk(e,t){let n=`${zn(e)}-${t}`,r=this.chunks.get(n);return r===void 0&&(r=this.getNewChunk_(Wf),r.initializeChunkedGraphChunk(n,e,t),this.addChunk(r)),r}computeChunkBounds(e){return el(this,e)}async withErrorMessage(e,t){return e.catch(async e=>{if(e instanceof ks&&e.response){let n=await Ed(e);throw Error(`[${e.response.status}] ${t}${n??``}`)}throw e})}};Kf=zf([R()],Kf);const qf=V(),Jf=V(),Yf=V();let Xf=class extends ms(Ia(Ur(Hi))){source;localPosition;leafRequestsActive;nBitsForLayerId;constructor(e,t){super(e,t),this.source=this.registerDisposer(e.getRef(t.source)),this.localPosition=e.get(t.localPosition),this.leafRequestsActive=e.get(t.leafRequestsActive),this.nBitsForLayerId=e.get(t.nBitsForLayerId),this.registerDisposer(this.chunkManager.recomputeChunkPriorities.add(()=>{this.updateChunkPriorities(),this.debouncedupdateDisplayState()}))}attach(e){let t=()=>this.chunkManager.scheduleUpdateChunkPriorities(),{view:n}=e;e.registerDisposer(t),e.registerDisposer(n.projectionParameters.changed.add(t)),e.registerDisposer(n.visibility.changed.add(t)),e.state={displayDimensionRenderInfo:n.projectionParameters.value.displayDimensionRenderInfo}}get renderRatioLimit(){return 5}updateChunkPriorities(){let{source:e,chunkManager:t}=this;t.registerLayer(this);for(let n of this.attachments.values()){let{view:r}=n,i=r.visibility.value;if(i===-1/0)continue;let{transformedSource:a}=n.state,o=r.projectionParameters.value;if(!a)continue;let s=o.pixelSize*1.1,c=a.effectiveVoxelSize;if(this.leafRequestsActive.value=this.renderRatioLimit>=s/Math.min(...c),!this.leafRequestsActive.value)continue;let l=La(i),u=Ra(i),{chunkLayout:d}=a,{size:f,finiteRank:p}=d,m=Yf,h=Jf;ln(m,f);for(let e=p;e<3;++e)m[e]=0,h[e]=0;let{centerDataPosition:g}=o;d.globalToLocalSpatial(h,g),Ma(o,this.localPosition.value,a,Na(o,d),n=>{fn(qf,n,m);let r=-mn(h,qf),{curPositionInChunks:i}=a;fs(this,(n,a)=>{if(wd(n,this.nBitsForLayerId.value))return;let o=e.getChunk(i,n);t.requestChunk(o,l,u+r,z.SYSTEM_MEMORY_WORKER),++this.numVisibleChunksNeeded,o.state===z.GPU_MEMORY&&++this.numVisibleChunksAvailable})})}}forEachSelectedRootWithLeaves(e){let{source:t}=this;for(let n of t.chunks.values())n.state===z.SYSTEM_MEMORY_WORKER&&n.priorityTier<B.RECENT&&this.visibleSegments.has(n.segment)&&n.leaves.length&&e(n.segment,n.leaves)}debouncedupdateDisplayState=Qe(()=>{this.updateDisplayState()},100);updateDisplayState(){let e=/* @__PURE__ */ new Map,t=/* @__PURE__ */ new Map;this.forEachSelectedRootWithLeaves((e,n)=>{t.set(e,(t.get(e)??0)+n.length)}),this.forEachSelectedRootWithLeaves((n,r)=>{e.has(n)||(e.set(n,new is),e.get(n).reserve(t.get(n)),e.get(n).add(n)),e.get(n).add(r)});for(let[t,n]of e){let e=[...n].filter(e=>!this.segmentEquivalences.has(e));for(let n of e)this.segmentEquivalences.link(t,n)}}};Xf=zf([R(`ChunkedGraphLayer`)],Xf),L(`ChunkedGraphLayer:updateSources`,function(e){let t=this.get(e.view),n=this.get(e.layer),r=n.attachments.get(t);r.state.transformedSource=Za(this,e.sources,n)[0][0],r.state.displayDimensionRenderInfo=e.displayDimensionRenderInfo,n.chunkManager.scheduleUpdateChunkPriorities()}),L(`GrapheneMeshSource:NewSegment`,function(e){this.get(e.rpcId).addNewSegment(e.segment)});
/**
* @license
* Copyright 2020 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const Zf=Ac(`decodeBlosc`),Qf=Ac(`decodeZstd`)
/**
* @license
* Copyright 2023 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
;
/**
* @license
* Copyright 2019 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var $f=/* @__PURE__ */ (e=>(e[e.RAW=0]=`RAW`,e[e.ZLIB=1]=`ZLIB`,e[e.GZIP=2]=`GZIP`,e[e.BLOSC=3]=`BLOSC`,e[e.ZSTD=4]=`ZSTD`,e))($f||{}),ep=class{url;encoding;static RPC_ID=`n5/VolumeChunkSource`},tp=Object.defineProperty,np=Object.getOwnPropertyDescriptor,rp=(e,t,n,r)=>{
/**
* @license
* Copyright 2019 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
for(var i=r>1?void 0:r?np(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&tp(t,n,i),i};async function ip(e,t,n,r){let i=new DataView(n),a=i.getUint16(0,!1);if(a!==0)throw Error(`Unsupported mode: ${a}.`);let o=i.getUint16(2,!1);if(o!==e.source.spec.rank)throw Error(`Number of dimensions must be 3.`);let s=4,c=new Uint32Array(o);for(let e=0;e<o;++e)c[e]=i.getUint32(s,!1),s+=4;e.chunkDataSize=c;let l=new Uint8Array(n,s);switch(r){case $f.ZLIB:l=new Uint8Array(await Wc(l,`deflate`));break;case $f.GZIP:l=new Uint8Array(await Wc(l,`gzip`));break;case $f.BLOSC:l=await Vc(Zf,t,[l.buffer],l);break;case $f.ZSTD:l=await Vc(Qf,t,[l.buffer],l)}await nu(e,t,l.buffer,W.BIG,l.byteOffset,l.byteLength)}let ap=class extends Hr(Li(tl),ep){chunkKvStore=this.sharedKvStoreContext.kvStoreContext.getKvStore(this.parameters.url);async download(e,t){let{parameters:n,chunkKvStore:r}=this,{chunkGridPosition:i}=e,a=r.path,o=this.spec.rank;for(let e=0;e<o;++e)e!==0&&(a+=`/`),a+=`${i[e]}`;let s=await r.store.read(a,{signal:t});s!==void 0&&await ip(e,t,await s.response.arrayBuffer(),n.encoding)}};ap=rp([R()],ap);var op=/* @__PURE__ */ e((e=>{e.deflate=Ve,e.deflateSync=He,e.inflate=Ge,e.inflateSync=Ke,e.gzip=Ye,e.compress=Ye,e.gzipSync=Xe,e.compressSync=Xe,e.gunzip=$e,e.gunzipSync=et,e.zlib=nt,e.zlibSync=rt,e.unzlib=ot,e.unzlibSync=st,e.gzip=Ye,e.compress=Ye,e.decompress=lt,e.decompressSync=ut,e.strToU8=gt,e.strFromU8=_t,e.zip=Et,e.zipSync=L,e.unzip=kt,e.unzipSync=At;var t={},n={};n.default=(function(e,n,r,i,a){var o=new Worker(t[n]||(t[n]=URL.createObjectURL(new Blob([e+`;addEventListener("error",function(e){e=e.error;postMessage({$e$:[e.message,e.code,e.stack]})})`],{type:`text/javascript`}))));return o.onmessage=function(e){var t=e.data,n=t.$e$;if(n){var r=Error(n[0]);r.code=n[1],r.stack=n[2],a(r,null)}else a(null,t)},o.postMessage(r,i),o});var r=Uint8Array,i=Uint16Array,a=Int32Array,o=new r([0,0,0,0,0,0,0,0,1,1,1,1,2,2,2,2,3,3,3,3,4,4,4,4,5,5,5,5,0,0,0,0]),s=new r([0,0,0,0,1,1,2,2,3,3,4,4,5,5,6,6,7,7,8,8,9,9,10,10,11,11,12,12,13,13,0,0]),c=new r([16,17,18,0,8,7,9,6,10,5,11,4,12,3,13,2,14,1,15]),l=function(e,t){for(var n=new i(31),r=0;r<31;++r)n[r]=t+=1<<e[r-1];for(var o=new a(n[30]),r=1;r<30;++r)for(var s=n[r];s<n[r+1];++s)o[s]=s-n[r]<<5|r;return{b:n,r:o}},u=l(o,2),d=u.b,f=u.r;d[28]=258,f[258]=28;for(var p=l(s,0),m=p.b,h=p.r,g=new i(32768),_=0;_<32768;++_){var v=(_&43690)>>1|(_&21845)<<1;v=(v&52428)>>2|(v&13107)<<2,v=(v&61680)>>4|(v&3855)<<4,g[_]=((v&65280)>>8|(v&255)<<8)>>1}for(var y=(function(e,t,n){for(var r=e.length,a=0,o=new i(t);a<r;++a)e[a]&&++o[e[a]-1];var s=new i(t);for(a=1;a<t;++a)s[a]=s[a-1]+o[a-1]<<1;var c;if(n){c=new i(1<<t);var l=15-t;for(a=0;a<r;++a)if(e[a])for(var u=a<<4|e[a],d=t-e[a],f=s[e[a]-1]++<<d,p=f|(1<<d)-1;f<=p;++f)c[g[f]>>l]=u}else for(c=new i(r),a=0;a<r;++a)e[a]&&(c[a]=g[s[e[a]-1]++]>>15-e[a]);return c}),b=new r(288),_=0;_<144;++_)b[_]=8;for(var _=144;_<256;++_)b[_]=9;for(var _=256;_<280;++_)b[_]=7;for(var _=280;_<288;++_)b[_]=8;for(var x=new r(32),_=0;_<32;++_)x[_]=5;var S=/*#__PURE__*/ y(b,9,0),C=/*#__PURE__*/ y(b,9,1),w=/*#__PURE__*/ y(x,5,0),T=/*#__PURE__*/ y(x,5,1),E=function(e){for(var t=e[0],n=1;n<e.length;++n)e[n]>t&&(t=e[n]);return t},D=function(e,t,n){var r=t/8|0;return(e[r]|e[r+1]<<8)>>(t&7)&n},O=function(e,t){var n=t/8|0;return(e[n]|e[n+1]<<8|e[n+2]<<16)>>(t&7)},k=function(e){return(e+7)/8|0},A=function(e,t,n){return(t==null||t<0)&&(t=0),(n==null||n>e.length)&&(n=e.length),new r(e.subarray(t,n))};e.FlateErrorCode={UnexpectedEOF:0,InvalidBlockType:1,InvalidLengthLiteral:2,InvalidDistance:3,StreamFinished:4,NoStreamHandler:5,InvalidHeader:6,NoCallback:7,InvalidUTF8:8,ExtraFieldTooLong:9,InvalidDate:10,FilenameTooLong:11,StreamFinishing:12,InvalidZipData:13,UnknownCompressionMethod:14};var ee=[`unexpected EOF`,`invalid block type`,`invalid length/literal`,`invalid distance`,`stream finished`,`no stream handler`,,`no callback`,`invalid UTF-8 data`,`extra field too long`,`date not in range 1980-2099`,`filename too long`,`stream finishing`,`invalid zip data`],j=function(e,t,n){var r=Error(t||ee[e]);if(r.code=e,Error.captureStackTrace&&Error.captureStackTrace(r,j),!n)throw r;return r},M=function(e,t,n,i){var a=e.length,l=i?i.length:0;if(!a||t.f&&!t.l)return n||new r(0);var u=!n,f=u||t.i!=2,p=t.i;u&&(n=new r(a*3));var h=function(e){var t=n.length;if(e>t){var i=new r(Math.max(t*2,e));i.set(n),n=i}},g=t.f||0,_=t.p||0,v=t.b||0,b=t.l,x=t.d,S=t.m,w=t.n,ee=a*8;do{if(!b){g=D(e,_,1);var M=D(e,_+1,3);if(_+=3,!M){var N=k(_)+4,te=e[N-4]|e[N-3]<<8,ne=N+te;if(ne>a){p&&j(0);break}f&&h(v+te),n.set(e.subarray(N,ne),v),t.b=v+=te,t.p=_=ne*8,t.f=g;continue}if(M==1)b=C,x=T,S=9,w=5;else if(M==2){var re=D(e,_,31)+257,ie=D(e,_+10,15)+4,ae=re+D(e,_+5,31)+1;_+=14;for(var oe=new r(ae),se=new r(19),ce=0;ce<ie;++ce)se[c[ce]]=D(e,_+ce*3,7);_+=ie*3;for(var P=E(se),le=(1<<P)-1,ue=y(se,P,1),ce=0;ce<ae;){var de=ue[D(e,_,le)];_+=de&15;var N=de>>4;if(N<16)oe[ce++]=N;else{var fe=0,pe=0;for(N==16?(pe=3+D(e,_,3),_+=2,fe=oe[ce-1]):N==17?(pe=3+D(e,_,7),_+=3):N==18&&(pe=11+D(e,_,127),_+=7);pe--;)oe[ce++]=fe}}var me=oe.subarray(0,re),he=oe.subarray(re);S=E(me),w=E(he),b=y(me,S,1),x=y(he,w,1)}else j(1);if(_>ee){p&&j(0);break}}f&&h(v+131072);for(var ge=(1<<S)-1,_e=(1<<w)-1,ve=_;;ve=_){var fe=b[O(e,_)&ge],ye=fe>>4;if(_+=fe&15,_>ee){p&&j(0);break}if(fe||j(2),ye<256)n[v++]=ye;else if(ye==256){ve=_,b=null;break}else{var be=ye-254;if(ye>264){var ce=ye-257,xe=o[ce];be=D(e,_,(1<<xe)-1)+d[ce],_+=xe}var Se=x[O(e,_)&_e],Ce=Se>>4;Se||j(3),_+=Se&15;var he=m[Ce];if(Ce>3){var xe=s[Ce];he+=O(e,_)&(1<<xe)-1,_+=xe}if(_>ee){p&&j(0);break}f&&h(v+131072);var we=v+be;if(v<he){var Te=l-he,Ee=Math.min(he,we);for(Te+v<0&&j(3);v<Ee;++v)n[v]=i[Te+v]}for(;v<we;++v)n[v]=n[v-he]}}t.l=b,t.p=ve,t.b=v,t.f=g,b&&(g=1,t.m=S,t.d=x,t.n=w)}while(!g);return v!=n.length&&u?A(n,0,v):n.subarray(0,v)},N=function(e,t,n){n<<=t&7;var r=t/8|0;e[r]|=n,e[r+1]|=n>>8},te=function(e,t,n){n<<=t&7;var r=t/8|0;e[r]|=n,e[r+1]|=n>>8,e[r+2]|=n>>16},ne=function(e,t){for(var n=[],a=0;a<e.length;++a)e[a]&&n.push({s:a,f:e[a]});var o=n.length,s=n.slice();if(!o)return{t:P,l:0};if(o==1){var c=new r(n[0].s+1);return c[n[0].s]=1,{t:c,l:1}}n.sort(function(e,t){return e.f-t.f}),n.push({s:-1,f:25001});var l=n[0],u=n[1],d=0,f=1,p=2;for(n[0]={s:-1,f:l.f+u.f,l,r:u};f!=o-1;)l=n[n[d].f<n[p].f?d++:p++],u=n[d!=f&&n[d].f<n[p].f?d++:p++],n[f++]={s:-1,f:l.f+u.f,l,r:u};for(var m=s[0].s,a=1;a<o;++a)s[a].s>m&&(m=s[a].s);var h=new i(m+1),g=re(n[f-1],h,0);if(g>t){var a=0,_=0,v=g-t,y=1<<v;for(s.sort(function(e,t){return h[t.s]-h[e.s]||e.f-t.f});a<o;++a){var b=s[a].s;if(h[b]>t)_+=y-(1<<g-h[b]),h[b]=t;else break}for(_>>=v;_>0;){var x=s[a].s;h[x]<t?_-=1<<t-h[x]++-1:++a}for(;a>=0&&_;--a){var S=s[a].s;h[S]==t&&(--h[S],++_)}g=t}return{t:new r(h),l:g}},re=function(e,t,n){return e.s==-1?Math.max(re(e.l,t,n+1),re(e.r,t,n+1)):t[e.s]=n},ie=function(e){for(var t=e.length;t&&!e[--t];);for(var n=new i(++t),r=0,a=e[0],o=1,s=function(e){n[r++]=e},c=1;c<=t;++c)if(e[c]==a&&c!=t)++o;else{if(!a&&o>2){for(;o>138;o-=138)s(32754);o>2&&(s(o>10?o-11<<5|28690:o-3<<5|12305),o=0)}else if(o>3){for(s(a),--o;o>6;o-=6)s(8304);o>2&&(s(o-3<<5|8208),o=0)}for(;o--;)s(a);o=1,a=e[c]}return{c:n.subarray(0,r),n:t}},ae=function(e,t){for(var n=0,r=0;r<t.length;++r)n+=e[r]*t[r];return n},oe=function(e,t,n){var r=n.length,i=k(t+2);e[i]=r&255,e[i+1]=r>>8,e[i+2]=e[i]^255,e[i+3]=e[i+1]^255;for(var a=0;a<r;++a)e[i+a+4]=n[a];return(i+4+r)*8},se=function(e,t,n,r,a,l,u,d,f,p,m){N(t,m++,n),++a[256];for(var h=ne(a,15),g=h.t,_=h.l,v=ne(l,15),C=v.t,T=v.l,E=ie(g),D=E.c,O=E.n,k=ie(C),A=k.c,ee=k.n,j=new i(19),M=0;M<D.length;++M)++j[D[M]&31];for(var M=0;M<A.length;++M)++j[A[M]&31];for(var re=ne(j,7),se=re.t,ce=re.l,P=19;P>4&&!se[c[P-1]];--P);var le=p+5<<3,ue=ae(a,b)+ae(l,x)+u,de=ae(a,g)+ae(l,C)+u+14+3*P+ae(j,se)+2*j[16]+3*j[17]+7*j[18];if(f>=0&&le<=ue&&le<=de)return oe(t,m,e.subarray(f,f+p));var fe,pe,me,he;if(N(t,m,1+(de<ue)),m+=2,de<ue){fe=y(g,_,0),pe=g,me=y(C,T,0),he=C;var ge=y(se,ce,0);N(t,m,O-257),N(t,m+5,ee-1),N(t,m+10,P-4),m+=14;for(var M=0;M<P;++M)N(t,m+3*M,se[c[M]]);m+=3*P;for(var _e=[D,A],ve=0;ve<2;++ve)for(var ye=_e[ve],M=0;M<ye.length;++M){var be=ye[M]&31;N(t,m,ge[be]),m+=se[be],be>15&&(N(t,m,ye[M]>>5&127),m+=ye[M]>>12)}}else fe=S,pe=b,me=w,he=x;for(var M=0;M<d;++M){var xe=r[M];if(xe>255){var be=xe>>18&31;te(t,m,fe[be+257]),m+=pe[be+257],be>7&&(N(t,m,xe>>23&31),m+=o[be]);var Se=xe&31;te(t,m,me[Se]),m+=he[Se],Se>3&&(te(t,m,xe>>5&8191),m+=s[Se])}else te(t,m,fe[xe]),m+=pe[xe]}return te(t,m,fe[256]),m+pe[256]},ce=/*#__PURE__*/ new a([65540,131080,131088,131104,262176,1048704,1048832,2114560,2117632]),P=/*#__PURE__*/ new r(0),le=function(e,t,n,c,l,u){var d=u.z||e.length,p=new r(c+d+5*(1+Math.ceil(d/7e3))+l),m=p.subarray(c,p.length-l),g=u.l,_=(u.r||0)&7;if(t){_&&(m[0]=u.r>>3);for(var v=ce[t-1],y=v>>13,b=v&8191,x=(1<<n)-1,S=u.p||new i(32768),C=u.h||new i(x+1),w=Math.ceil(n/3),T=2*w,E=function(t){return(e[t]^e[t+1]<<w^e[t+2]<<T)&x},D=new a(25e3),O=new i(288),ee=new i(32),j=0,M=0,N=u.i||0,te=0,ne=u.w||0,re=0;N+2<d;++N){var ie=E(N),ae=N&32767,P=C[ie];if(S[ae]=P,C[ie]=ae,ne<=N){var le=d-N;if((j>7e3||te>24576)&&(le>423||!g)){_=se(e,m,0,D,O,ee,M,te,re,N-re,_),te=j=M=0,re=N;for(var ue=0;ue<286;++ue)O[ue]=0;for(var ue=0;ue<30;++ue)ee[ue]=0}var de=2,fe=0,pe=b,me=ae-P&32767;if(le>2&&ie==E(N-me))for(var he=Math.min(y,le)-1,ge=Math.min(32767,N),_e=Math.min(258,le);me<=ge&&--pe&&ae!=P;){if(e[N+de]==e[N+de-me]){for(var ve=0;ve<_e&&e[N+ve]==e[N+ve-me];++ve);if(ve>de){if(de=ve,fe=me,ve>he)break;for(var ye=Math.min(me,ve-2),be=0,ue=0;ue<ye;++ue){var xe=N-me+ue&32767,Se=xe-S[xe]&32767;Se>be&&(be=Se,P=xe)}}}ae=P,P=S[ae],me+=ae-P&32767}if(fe){D[te++]=268435456|f[de]<<18|h[fe];var Ce=f[de]&31,we=h[fe]&31;M+=o[Ce]+s[we],++O[257+Ce],++ee[we],ne=N+de,++j}else D[te++]=e[N],++O[e[N]]}}for(N=Math.max(N,ne);N<d;++N)D[te++]=e[N],++O[e[N]];_=se(e,m,g,D,O,ee,M,te,re,N-re,_),g||(u.r=_&7|m[_/8|0]<<3,_-=7,u.h=C,u.p=S,u.i=N,u.w=ne)}else{for(var N=u.w||0;N<d+g;N+=65535){var Te=N+65535;Te>=d&&(m[_/8|0]=g,Te=d),_=oe(m,_+1,e.subarray(N,Te))}u.i=d}return A(p,0,c+k(_)+l)},ue=/*#__PURE__*/ (function(){for(var e=/* @__PURE__ */ new Int32Array(256),t=0;t<256;++t){for(var n=t,r=9;--r;)n=(n&1&&-306674912)^n>>>1;e[t]=n}return e})(),de=function(){var e=-1;return{p:function(t){for(var n=e,r=0;r<t.length;++r)n=ue[n&255^t[r]]^n>>>8;e=n},d:function(){return~e}}},fe=function(){var e=1,t=0;return{p:function(n){for(var r=e,i=t,a=n.length|0,o=0;o!=a;){for(var s=Math.min(o+2655,a);o<s;++o)i+=r+=n[o];r=(r&65535)+15*(r>>16),i=(i&65535)+15*(i>>16)}e=r,t=i},d:function(){return e%=65521,t%=65521,(e&255)<<24|(e&65280)<<8|(t&255)<<8|t>>8}}},pe=function(e,t,n,i,a){if(!a&&(a={l:1},t.dictionary)){var o=t.dictionary.subarray(-32768),s=new r(o.length+e.length);s.set(o),s.set(e,o.length),e=s,a.w=o.length}return le(e,t.level==null?6:t.level,t.mem==null?a.l?Math.ceil(Math.max(8,Math.min(13,Math.log(e.length)))*1.5):20:12+t.mem,n,i,a)},me=function(e,t){var n={};for(var r in e)n[r]=e[r];for(var r in t)n[r]=t[r];return n},he=function(e,t,n){for(var r=e(),i=e.toString(),a=i.slice(i.indexOf(`[`)+1,i.lastIndexOf(`]`)).replace(/\s+/g,``).split(`,`),o=0;o<r.length;++o){var s=r[o],c=a[o];if(typeof s==`function`){t+=`;`+c+`=`;var l=s.toString();if(s.prototype){if(l.indexOf(`[native code]`)!=-1){var u=l.indexOf(` `,8)+1;t+=l.slice(u,l.indexOf(`(`,u))}else for(var d in t+=l,s.prototype)t+=`;`+c+`.prototype.`+d+`=`+s.prototype[d].toString()}else t+=l}else n[c]=s}return t},ge=[],_e=function(e){var t=[];for(var n in e)e[n].buffer&&t.push((e[n]=new e[n].constructor(e[n])).buffer);return t},ve=function(e,t,r,i){if(!ge[r]){for(var a=``,o={},s=e.length-1,c=0;c<s;++c)a=he(e[c],a,o);ge[r]={c:he(e[s],a,o),e:o}}var l=me({},ge[r].e);return(0,n.default)(ge[r].c+`;onmessage=function(e){for(var k in e.data)self[k]=e.data[k];onmessage=`+t.toString()+`}`,r,l,_e(l),i)},ye=function(){return[r,i,a,o,s,c,d,m,C,T,g,ee,y,E,D,O,k,A,j,M,Ke,Te,Ee]},be=function(){return[r,i,a,o,s,c,f,h,S,b,w,x,g,ce,P,y,N,te,ne,re,ie,ae,oe,se,k,A,le,pe,He,Te]},xe=function(){return[Me,Fe,I,de,ue]},Se=function(){return[Ne,Pe]},Ce=function(){return[Ie,I,fe]},we=function(){return[Le]},Te=function(e){return postMessage(e,[e.buffer])},Ee=function(e){return e&&{out:e.size&&new r(e.size),dictionary:e.dictionary}},De=function(e,t,n,r,i,a){var o=ve(n,r,i,function(e,t){o.terminate(),a(e,t)});return o.postMessage([e,t],t.consume?[e.buffer]:[]),function(){o.terminate()}},Oe=function(e){return e.ondata=function(e,t){return postMessage([e,t],[e.buffer])},function(t){t.data[0]?(e.push(t.data[0],t.data[1]),postMessage([t.data[0].length])):e.flush(t.data[1])}},ke=function(e,t,n,r,i,a,o){var s,c=ve(e,r,i,function(e,n){e?(c.terminate(),t.ondata.call(t,e)):Array.isArray(n)?n.length==1?(t.queuedSize-=n[0],t.ondrain&&t.ondrain(n[0])):(n[1]&&c.terminate(),t.ondata.call(t,e,n[0],n[1])):o(n)});c.postMessage(n),t.queuedSize=0,t.push=function(e,n){t.ondata||j(5),s&&t.ondata(j(4,0,1),null,!!n),t.queuedSize+=e.length,c.postMessage([e,s=n],e.buffer instanceof ArrayBuffer?[e.buffer]:[])},t.terminate=function(){c.terminate()},a&&(t.flush=function(e){c.postMessage([0,e])})},Ae=function(e,t){return e[t]|e[t+1]<<8},F=function(e,t){return(e[t]|e[t+1]<<8|e[t+2]<<16|e[t+3]<<24)>>>0},je=function(e,t){return F(e,t)+F(e,t+4)*4294967296},I=function(e,t,n){for(;n;++t)e[t]=n,n>>>=8},Me=function(e,t){var n=t.filename;if(e[0]=31,e[1]=139,e[2]=8,e[8]=t.level<2?4:t.level==9?2:0,e[9]=3,t.mtime!=0&&I(e,4,Math.floor(new Date(t.mtime||Date.now())/1e3)),n){e[3]=8;for(var r=0;r<=n.length;++r)e[r+10]=n.charCodeAt(r)}},Ne=function(e){(e[0]!=31||e[1]!=139||e[2]!=8)&&j(6,`invalid gzip data`);var t=e[3],n=10;t&4&&(n+=(e[10]|e[11]<<8)+2);for(var r=(t>>3&1)+(t>>4&1);r>0;r-=!e[n++]);return n+(t&2)},Pe=function(e){var t=e.length;return(e[t-4]|e[t-3]<<8|e[t-2]<<16|e[t-1]<<24)>>>0},Fe=function(e){return 10+(e.filename?e.filename.length+1:0)},Ie=function(e,t){var n=t.level,r=n==0?0:n<6?1:n==9?3:2;if(e[0]=120,e[1]=r<<6|(t.dictionary&&32),e[1]|=31-(e[0]<<8|e[1])%31,t.dictionary){var i=fe();i.p(t.dictionary),I(e,2,i.d())}},Le=function(e,t){return((e[0]&15)!=8||e[0]>>4>7||(e[0]<<8|e[1])%31)&&j(6,`invalid zlib data`),(e[1]>>5&1)==+!t&&j(6,`invalid zlib data: `+(e[1]&32?`need`:`unexpected`)+` dictionary`),(e[1]>>3&4)+2};function Re(e,t){return typeof e==`function`&&(t=e,e={}),this.ondata=t,e}var ze=/* @__PURE__ */ function(){function e(e,t){if(typeof e==`function`&&(t=e,e={}),this.ondata=t,this.o=e||{},this.s={l:0,i:32768,w:32768,z:32768},this.b=new r(98304),this.o.dictionary){var n=this.o.dictionary.subarray(-32768);this.b.set(n,32768-n.length),this.s.i=32768-n.length}}return e.prototype.p=function(e,t){this.ondata(pe(e,this.o,0,0,this.s),t)},e.prototype.push=function(e,t){this.ondata||j(5),this.s.l&&j(4);var n=e.length+this.s.z;if(n>this.b.length){if(n>2*this.b.length-32768){var i=new r(n&-32768);i.set(this.b.subarray(0,this.s.z)),this.b=i}var a=this.b.length-this.s.z;this.b.set(e.subarray(0,a),this.s.z),this.s.z=this.b.length,this.p(this.b,!1),this.b.set(this.b.subarray(-32768)),this.b.set(e.subarray(a),32768),this.s.z=e.length-a+32768,this.s.i=32766,this.s.w=32768}else this.b.set(e,this.s.z),this.s.z+=e.length;this.s.l=t&1,(this.s.z>this.s.w+8191||t)&&(this.p(this.b,t||!1),this.s.w=this.s.i,this.s.i-=2),t&&(this.s=this.o={},this.b=P)},e.prototype.flush=function(e){if(this.ondata||j(5),this.s.l&&j(4),this.p(this.b,!1),this.s.w=this.s.i,this.s.i-=2,e){var t=new r(6);t[0]=this.s.r>>3;var n=oe(t,this.s.r,P);this.s.r=0,this.ondata(t.subarray(0,n>>3),!1)}},e}();e.Deflate=ze;var Be=/* @__PURE__ */ function(){function e(e,t){ke([be,function(){return[Oe,ze]}],this,Re.call(this,e,t),function(e){onmessage=Oe(new ze(e.data))},6,1)}return e}();e.AsyncDeflate=Be;function Ve(e,t,n){return n||(n=t,t={}),typeof n!=`function`&&j(7),De(e,t,[be],function(e){return Te(He(e.data[0],e.data[1]))},0,n)}function He(e,t){return pe(e,t||{},0,0)}var Ue=/* @__PURE__ */ function(){function e(e,t){typeof e==`function`&&(t=e,e={}),this.ondata=t;var n=e&&e.dictionary&&e.dictionary.subarray(-32768);this.s={i:0,b:n?n.length:0},this.o=new r(32768),this.p=new r(0),n&&this.o.set(n)}return e.prototype.e=function(e){if(this.ondata||j(5),this.d&&j(4),!this.p.length)this.p=e;else if(e.length){var t=new r(this.p.length+e.length);t.set(this.p),t.set(e,this.p.length),this.p=t}},e.prototype.c=function(e){this.s.i=+(this.d=e||!1);var t=this.s.b,n=M(this.p,this.s,this.o);this.ondata(A(n,t,this.s.b),this.d),this.o=A(n,this.s.b-32768),this.s.b=this.o.length,this.p=A(this.p,this.s.p/8|0),this.s.p&=7},e.prototype.push=function(e,t){this.e(e),this.c(t)},e}();e.Inflate=Ue;var We=/* @__PURE__ */ function(){function e(e,t){ke([ye,function(){return[Oe,Ue]}],this,Re.call(this,e,t),function(e){onmessage=Oe(new Ue(e.data))},7,0)}return e}();e.AsyncInflate=We;function Ge(e,t,n){return n||(n=t,t={}),typeof n!=`function`&&j(7),De(e,t,[ye],function(e){return Te(Ke(e.data[0],Ee(e.data[1])))},1,n)}function Ke(e,t){return M(e,{i:2},t&&t.out,t&&t.dictionary)}var qe=/* @__PURE__ */ function(){function e(e,t){this.c=de(),this.l=0,this.v=1,ze.call(this,e,t)}return e.prototype.push=function(e,t){this.c.p(e),this.l+=e.length,ze.prototype.push.call(this,e,t)},e.prototype.p=function(e,t){var n=pe(e,this.o,this.v&&Fe(this.o),t&&8,this.s);this.v&&=(Me(n,this.o),0),t&&(I(n,n.length-8,this.c.d()),I(n,n.length-4,this.l)),this.ondata(n,t)},e.prototype.flush=function(e){ze.prototype.flush.call(this,e)},e}();e.Gzip=qe,e.Compress=qe;var Je=/* @__PURE__ */ function(){function e(e,t){ke([be,xe,function(){return[Oe,ze,qe]}],this,Re.call(this,e,t),function(e){onmessage=Oe(new qe(e.data))},8,1)}return e}();e.AsyncGzip=Je,e.AsyncCompress=Je;function Ye(e,t,n){return n||(n=t,t={}),typeof n!=`function`&&j(7),De(e,t,[be,xe,function(){return[Xe]}],function(e){return Te(Xe(e.data[0],e.data[1]))},2,n)}function Xe(e,t){t||={};var n=de(),r=e.length;n.p(e);var i=pe(e,t,Fe(t),8),a=i.length;return Me(i,t),I(i,a-8,n.d()),I(i,a-4,r),i}var Ze=/* @__PURE__ */ function(){function e(e,t){this.v=1,this.r=0,Ue.call(this,e,t)}return e.prototype.push=function(e,t){if(Ue.prototype.e.call(this,e),this.r+=e.length,this.v){var n=this.p.subarray(this.v-1),i=n.length>3?Ne(n):4;if(i>n.length){if(!t)return}else this.v>1&&this.onmember&&this.onmember(this.r-n.length);this.p=n.subarray(i),this.v=0}Ue.prototype.c.call(this,0),this.s.f&&!this.s.l?(this.v=k(this.s.p)+9,this.s={i:0},this.o=new r(0),this.push(new r(0),t)):t&&Ue.prototype.c.call(this,t)},e}();e.Gunzip=Ze;var Qe=/* @__PURE__ */ function(){function e(e,t){var n=this;ke([ye,Se,function(){return[Oe,Ue,Ze]}],this,Re.call(this,e,t),function(e){var t=new Ze(e.data);t.onmember=function(e){return postMessage(e)},onmessage=Oe(t)},9,0,function(e){return n.onmember&&n.onmember(e)})}return e}();e.AsyncGunzip=Qe;function $e(e,t,n){return n||(n=t,t={}),typeof n!=`function`&&j(7),De(e,t,[ye,Se,function(){return[et]}],function(e){return Te(et(e.data[0],e.data[1]))},3,n)}function et(e,t){var n=Ne(e);return n+8>e.length&&j(6,`invalid gzip data`),M(e.subarray(n,-8),{i:2},t&&t.out||new r(Pe(e)),t&&t.dictionary)}var tt=/* @__PURE__ */ function(){function e(e,t){this.c=fe(),this.v=1,ze.call(this,e,t)}return e.prototype.push=function(e,t){this.c.p(e),ze.prototype.push.call(this,e,t)},e.prototype.p=function(e,t){var n=pe(e,this.o,this.v&&(this.o.dictionary?6:2),t&&4,this.s);this.v&&=(Ie(n,this.o),0),t&&I(n,n.length-4,this.c.d()),this.ondata(n,t)},e.prototype.flush=function(e){ze.prototype.flush.call(this,e)},e}();e.Zlib=tt,e.AsyncZlib=/* @__PURE__ */ function(){function e(e,t){ke([be,Ce,function(){return[Oe,ze,tt]}],this,Re.call(this,e,t),function(e){onmessage=Oe(new tt(e.data))},10,1)}return e}();function nt(e,t,n){return n||(n=t,t={}),typeof n!=`function`&&j(7),De(e,t,[be,Ce,function(){return[rt]}],function(e){return Te(rt(e.data[0],e.data[1]))},4,n)}function rt(e,t){t||={};var n=fe();n.p(e);var r=pe(e,t,t.dictionary?6:2,4);return Ie(r,t),I(r,r.length-4,n.d()),r}var it=/* @__PURE__ */ function(){function e(e,t){Ue.call(this,e,t),this.v=e&&e.dictionary?2:1}return e.prototype.push=function(e,t){if(Ue.prototype.e.call(this,e),this.v){if(this.p.length<6&&!t)return;this.p=this.p.subarray(Le(this.p,this.v-1)),this.v=0}t&&(this.p.length<4&&j(6,`invalid zlib data`),this.p=this.p.subarray(0,-4)),Ue.prototype.c.call(this,t)},e}();e.Unzlib=it;var at=/* @__PURE__ */ function(){function e(e,t){ke([ye,we,function(){return[Oe,Ue,it]}],this,Re.call(this,e,t),function(e){onmessage=Oe(new it(e.data))},11,0)}return e}();e.AsyncUnzlib=at;function ot(e,t,n){return n||(n=t,t={}),typeof n!=`function`&&j(7),De(e,t,[ye,we,function(){return[st]}],function(e){return Te(st(e.data[0],Ee(e.data[1])))},5,n)}function st(e,t){return M(e.subarray(Le(e,t&&t.dictionary),-4),{i:2},t&&t.out,t&&t.dictionary)}var ct=/* @__PURE__ */ function(){function e(e,t){this.o=Re.call(this,e,t)||{},this.G=Ze,this.I=Ue,this.Z=it}return e.prototype.i=function(){var e=this;this.s.ondata=function(t,n){e.ondata(t,n)}},e.prototype.push=function(e,t){if(this.ondata||j(5),this.s)this.s.push(e,t);else{if(this.p&&this.p.length){var n=new r(this.p.length+e.length);n.set(this.p),n.set(e,this.p.length)}else this.p=e;this.p.length>2&&(this.s=this.p[0]==31&&this.p[1]==139&&this.p[2]==8?new this.G(this.o):(this.p[0]&15)!=8||this.p[0]>>4>7||(this.p[0]<<8|this.p[1])%31?new this.I(this.o):new this.Z(this.o),this.i(),this.s.push(this.p,t),this.p=null)}},e}();e.Decompress=ct,e.AsyncDecompress=/* @__PURE__ */ function(){function e(e,t){ct.call(this,e,t),this.queuedSize=0,this.G=Qe,this.I=We,this.Z=at}return e.prototype.i=function(){var e=this;this.s.ondata=function(t,n,r){e.ondata(t,n,r)},this.s.ondrain=function(t){e.queuedSize-=t,e.ondrain&&e.ondrain(t)}},e.prototype.push=function(e,t){this.queuedSize+=e.length,ct.prototype.push.call(this,e,t)},e}();function lt(e,t,n){return n||(n=t,t={}),typeof n!=`function`&&j(7),e[0]==31&&e[1]==139&&e[2]==8?$e(e,t,n):(e[0]&15)!=8||e[0]>>4>7||(e[0]<<8|e[1])%31?Ge(e,t,n):ot(e,t,n)}function ut(e,t){return e[0]==31&&e[1]==139&&e[2]==8?et(e,t):(e[0]&15)!=8||e[0]>>4>7||(e[0]<<8|e[1])%31?Ke(e,t):st(e,t)}var dt=function(e,t,n,i){for(var a in e){var o=e[a],s=t+a,c=i;Array.isArray(o)&&(c=me(i,o[1]),o=o[0]),ArrayBuffer.isView(o)?n[s]=[o,c]:(n[s+=`/`]=[new r(0),c],dt(o,s,n,i))}},ft=typeof TextEncoder<`u`&&/*#__PURE__*/ new TextEncoder,pt=typeof TextDecoder<`u`&&/*#__PURE__*/ new TextDecoder,mt=0;try{pt.decode(P,{stream:!0}),mt=1}catch{}var ht=function(e){for(var t=``,n=0;;){var r=e[n++],i=(r>127)+(r>223)+(r>239);if(n+i>e.length)return{s:t,r:A(e,n-1)};i?i==3?(r=((r&15)<<18|(e[n++]&63)<<12|(e[n++]&63)<<6|e[n++]&63)-65536,t+=String.fromCharCode(55296|r>>10,56320|r&1023)):i&1?t+=String.fromCharCode((r&31)<<6|e[n++]&63):t+=String.fromCharCode((r&15)<<12|(e[n++]&63)<<6|e[n++]&63):t+=String.fromCharCode(r)}};e.DecodeUTF8=/* @__PURE__ */ function(){function e(e){this.ondata=e,mt?this.t=new TextDecoder:this.p=P}return e.prototype.push=function(e,t){if(this.ondata||j(5),t=!!t,this.t)this.ondata(this.t.decode(e,{stream:!0}),t),t&&(this.t.decode().length&&j(8),this.t=null);else{this.p||j(4);var n=new r(this.p.length+e.length);n.set(this.p),n.set(e,this.p.length);var i=ht(n),a=i.s,o=i.r;t?(o.length&&j(8),this.p=null):this.p=o,this.ondata(a,t)}},e}(),e.EncodeUTF8=/* @__PURE__ */ function(){function e(e){this.ondata=e}return e.prototype.push=function(e,t){this.ondata||j(5),this.d&&j(4),this.ondata(gt(e),this.d=t||!1)},e}();function gt(e,t){if(t){for(var n=new r(e.length),i=0;i<e.length;++i)n[i]=e.charCodeAt(i);return n}if(ft)return ft.encode(e);for(var a=e.length,o=new r(e.length+(e.length>>1)),s=0,c=function(e){o[s++]=e},i=0;i<a;++i){if(s+5>o.length){var l=new r(s+8+(a-i<<1));l.set(o),o=l}var u=e.charCodeAt(i);u<128||t?c(u):u<2048?(c(192|u>>6),c(128|u&63)):u>55295&&u<57344?(u=65536+(u&1047552)|e.charCodeAt(++i)&1023,c(240|u>>18),c(128|u>>12&63),c(128|u>>6&63),c(128|u&63)):(c(224|u>>12),c(128|u>>6&63),c(128|u&63))}return A(o,0,s)}function _t(e,t){if(t){for(var n=``,r=0;r<e.length;r+=16384)n+=String.fromCharCode.apply(null,e.subarray(r,r+16384));return n}if(pt)return pt.decode(e);var i=ht(e),a=i.s,n=i.r;return n.length&&j(8),a}var vt=function(e){return e==1?3:e<6?2:+(e==9)},yt=function(e,t){return t+30+Ae(e,t+26)+Ae(e,t+28)},bt=function(e,t,n){var r=Ae(e,t+28),i=Ae(e,t+30),a=_t(e.subarray(t+46,t+46+r),!(Ae(e,t+8)&2048)),o=t+46+r,s=xt(e,o,i,n,F(e,t+20),F(e,t+24),F(e,t+42)),c=s[0],l=s[1],u=s[2];return[Ae(e,t+10),c,l,a,o+i+Ae(e,t+32),u]},xt=function(e,t,n,r,i,a,o){var s=i==4294967295,c=a==4294967295,l=o==4294967295,u=t+n,d=s+c+l;if(r&&d){for(;t+4<u;t+=4+Ae(e,t+2))if(Ae(e,t)==1)return[s?je(e,t+4+8*c):i,c?je(e,t+4):a,l?je(e,t+4+8*(c+s)):o,1];r<2&&j(13)}return[i,a,o,0]},St=function(e){var t=0;if(e)for(var n in e){var r=e[n].length;r>65535&&j(9),t+=r+4}return t},Ct=function(e,t,n,r,i,a,o,s){var c=r.length,l=n.extra,u=s&&s.length,d=St(l);I(e,t,o==null?67324752:33639248),t+=4,o!=null&&(e[t++]=20,e[t++]=n.os),e[t]=20,t+=2,e[t++]=n.flag<<1|(a<0&&8),e[t++]=i&&8,e[t++]=n.compression&255,e[t++]=n.compression>>8;var f=new Date(n.mtime==null?Date.now():n.mtime),p=f.getFullYear()-1980;if((p<0||p>119)&&j(10),I(e,t,p<<25|f.getMonth()+1<<21|f.getDate()<<16|f.getHours()<<11|f.getMinutes()<<5|f.getSeconds()>>1),t+=4,a!=-1&&(I(e,t,n.crc),I(e,t+4,a<0?-a-2:a),I(e,t+8,n.size)),I(e,t+12,c),I(e,t+14,d),t+=16,o!=null&&(I(e,t,u),I(e,t+6,n.attrs),I(e,t+10,o),t+=14),e.set(r,t),t+=c,d)for(var m in l){var h=l[m],g=h.length;I(e,t,+m),I(e,t+2,g),e.set(h,t+4),t+=4+g}return u&&(e.set(s,t),t+=u),t},wt=function(e,t,n,r,i){I(e,t,101010256),I(e,t+8,n),I(e,t+10,n),I(e,t+12,r),I(e,t+16,i)},Tt=/* @__PURE__ */ function(){function e(e){this.filename=e,this.c=de(),this.size=0,this.compression=0}return e.prototype.process=function(e,t){this.ondata(null,e,t)},e.prototype.push=function(e,t){this.ondata||j(5),this.c.p(e),this.size+=e.length,t&&(this.crc=this.c.d()),this.process(e,t||!1)},e}();e.ZipPassThrough=Tt,e.ZipDeflate=/* @__PURE__ */ function(){function e(e,t){var n=this;t||={},Tt.call(this,e),this.d=new ze(t,function(e,t){n.ondata(null,e,t)}),this.compression=8,this.flag=vt(t.level)}return e.prototype.process=function(e,t){try{this.d.push(e,t)}catch(e){this.ondata(e,null,t)}},e.prototype.push=function(e,t){Tt.prototype.push.call(this,e,t)},e}(),e.AsyncZipDeflate=/* @__PURE__ */ function(){function e(e,t){var n=this;t||={},Tt.call(this,e),this.d=new Be(t,function(e,t,r){n.ondata(e,t,r)}),this.compression=8,this.flag=vt(t.level),this.terminate=this.d.terminate}return e.prototype.process=function(e,t){this.d.push(e,t)},e.prototype.push=function(e,t){Tt.prototype.push.call(this,e,t)},e}(),e.Zip=/* @__PURE__ */ function(){function e(e){this.ondata=e,this.u=[],this.d=1}return e.prototype.add=function(e){var t=this;if(this.ondata||j(5),this.d&2)this.ondata(j(4+(this.d&1)*8,0,1),null,!1);else{var n=gt(e.filename),i=n.length,a=e.comment,o=a&&gt(a),s=i!=e.filename.length||o&&a.length!=o.length,c=i+St(e.extra)+30;i>65535&&this.ondata(j(11,0,1),null,!1);var l=new r(c);Ct(l,0,e,n,s,-1);var u=[l],d=function(){for(var e=0,n=u;e<n.length;e++){var r=n[e];t.ondata(null,r,!1)}u=[]},f=this.d;this.d=0;var p=this.u.length,m=me(e,{f:n,u:s,o,t:function(){e.terminate&&e.terminate()},r:function(){if(d(),f){var e=t.u[p+1];e?e.r():t.d=1}f=1}}),h=0;e.ondata=function(n,i,a){if(n)t.ondata(n,i,a),t.terminate();else if(h+=i.length,u.push(i),a){var o=new r(16);I(o,0,134695760),I(o,4,e.crc),I(o,8,h),I(o,12,e.size),u.push(o),m.c=h,m.b=c+h+16,m.crc=e.crc,m.size=e.size,f&&m.r(),f=1}else f&&d()},this.u.push(m)}},e.prototype.end=function(){var e=this;this.d&2?this.ondata(j(4+(this.d&1)*8,0,1),null,!0):(this.d?this.e():this.u.push({r:function(){e.d&1&&(e.u.splice(-1,1),e.e())},t:function(){}}),this.d=3)},e.prototype.e=function(){for(var e=0,t=0,n=0,i=0,a=this.u;i<a.length;i++){var o=a[i];n+=46+o.f.length+St(o.extra)+(o.o?o.o.length:0)}for(var s=new r(n+22),c=0,l=this.u;c<l.length;c++){var o=l[c];Ct(s,e,o,o.f,o.u,-o.c-2,t,o.o),e+=46+o.f.length+St(o.extra)+(o.o?o.o.length:0),t+=o.b}wt(s,e,this.u.length,n,t),this.ondata(null,s,!0),this.d=2},e.prototype.terminate=function(){for(var e=0,t=this.u;e<t.length;e++)t[e].t();this.d=2},e}();function Et(e,t,n){n||(n=t,t={}),typeof n!=`function`&&j(7);var i={};dt(e,``,i,t);var a=Object.keys(i),o=a.length,s=0,c=0,l=o,u=Array(o),d=[],f=function(){for(var e=0;e<d.length;++e)d[e]()},p=function(e,t){Ot(function(){n(e,t)})};Ot(function(){p=n});var m=function(){var e=new r(c+22),t=s,n=c-s;c=0;for(var i=0;i<l;++i){var a=u[i];try{var o=a.c.length;Ct(e,c,a,a.f,a.u,o);var d=30+a.f.length+St(a.extra),f=c+d;e.set(a.c,f),Ct(e,s,a,a.f,a.u,o,c,a.m),s+=16+d+(a.m?a.m.length:0),c=f+o}catch(e){return p(e,null)}}wt(e,s,u.length,n,t),p(null,e)};o||m();for(var h=function(e){var t=a[e],n=i[t],r=n[0],l=n[1],h=de(),g=r.length;h.p(r);var _=gt(t),v=_.length,y=l.comment,b=y&&gt(y),x=b&&b.length,S=St(l.extra),C=l.level==0?0:8,w=function(n,r){if(n)f(),p(n,null);else{var i=r.length;u[e]=me(l,{size:g,crc:h.d(),c:r,f:_,m:b,u:v!=t.length||b&&y.length!=x,compression:C}),s+=30+v+S+i,c+=76+2*(v+S)+(x||0)+i,--o||m()}};if(v>65535&&w(j(11,0,1),null),!C)w(null,r);else if(g<16e4)try{w(null,He(r,l))}catch(e){w(e,null)}else d.push(Ve(r,l,w))},g=0;g<l;++g)h(g);return f}function L(e,t){t||={};var n={},i=[];dt(e,``,n,t);var a=0,o=0;for(var s in n){var c=n[s],l=c[0],u=c[1],d=u.level==0?0:8,f=gt(s),p=f.length,m=u.comment,h=m&&gt(m),g=h&&h.length,_=St(u.extra);p>65535&&j(11);var v=d?He(l,u):l,y=v.length,b=de();b.p(l),i.push(me(u,{size:l.length,crc:b.d(),c:v,f,m:h,u:p!=s.length||h&&m.length!=g,o:a,compression:d})),a+=30+p+_+y,o+=76+2*(p+_)+(g||0)+y}for(var x=new r(o+22),S=a,C=o-a,w=0;w<i.length;++w){var f=i[w];Ct(x,f.o,f,f.f,f.u,f.c.length);var T=30+f.f.length+St(f.extra);x.set(f.c,f.o+T),Ct(x,a,f,f.f,f.u,f.c.length,f.o,f.m),a+=16+T+(f.m?f.m.length:0)}return wt(x,a,i.length,C,S),x}var Dt=/* @__PURE__ */ function(){function e(){}return e.prototype.push=function(e,t){this.ondata(null,e,t)},e.compression=0,e}();e.UnzipPassThrough=Dt,e.UnzipInflate=/* @__PURE__ */ function(){function e(){var e=this;this.i=new Ue(function(t,n){e.ondata(null,t,n)})}return e.prototype.push=function(e,t){try{this.i.push(e,t)}catch(e){this.ondata(e,null,t)}},e.compression=8,e}(),e.AsyncUnzipInflate=/* @__PURE__ */ function(){function e(e,t){var n=this;t<32e4?this.i=new Ue(function(e,t){n.ondata(null,e,t)}):(this.i=new We(function(e,t,r){n.ondata(e,t,r)}),this.terminate=this.i.terminate)}return e.prototype.push=function(e,t){this.i.terminate&&(e=A(e,0)),this.i.push(e,t)},e.compression=8,e}(),e.Unzip=/* @__PURE__ */ function(){function e(e){this.onfile=e,this.k=[],this.o={0:Dt},this.p=P}return e.prototype.push=function(e,t){var n=this;if(this.onfile||j(5),this.p||j(4),this.c>0){var i=Math.min(this.c,e.length),a=e.subarray(0,i);if(this.c-=i,this.d?this.d.push(a,!this.c):this.k[0].push(a),e=e.subarray(i),e.length)return this.push(e,t)}else{var o=0,s=0,c=void 0,l=void 0;this.p.length?e.length?(l=new r(this.p.length+e.length),l.set(this.p),l.set(e,this.p.length)):l=this.p:l=e;for(var u=l.length,d=this.c,f=d&&this.d,p=function(){var e=F(l,s);if(e==67324752){o=1,c=s,m.d=null,m.c=0;var t=Ae(l,s+6),r=Ae(l,s+8),i=t&2048,a=t&8,f=Ae(l,s+26),p=Ae(l,s+28);if(u>s+30+f+p){var h=[];m.k.unshift(h),o=2;var g=F(l,s+18),_=F(l,s+22),v=_t(l.subarray(s+30,s+=30+f),!i),y=xt(l,s,p,2,g,_,0),b=y[0],x=y[1],S=y[3];a&&(b=-1-S),s+=p,m.c=b;var C,w={name:v,compression:r,start:function(){if(w.ondata||j(5),!b)w.ondata(null,P,!0);else{var e=n.o[r];e||w.ondata(j(14,`unknown compression type `+r,1),null,!1),C=b<0?new e(v):new e(v,b,x),C.ondata=function(e,t,n){w.ondata(e,t,n)};for(var t=0,i=h;t<i.length;t++){var a=i[t];C.push(a,!1)}n.k[0]==h&&n.c?n.d=C:C.push(P,!0)}},terminate:function(){C&&C.terminate&&C.terminate()}};b>=0&&(w.size=b,w.originalSize=x),m.onfile(w)}return`break`}if(d){if(e==134695760)return c=s+=12+(d==-2&&8),o=3,m.c=0,`break`;if(e==33639248)return c=s-=4,o=3,m.c=0,`break`}},m=this;s<u-4&&p()!==`break`;++s);if(this.p=P,d<0){var h=o?l.subarray(0,c-12-(d==-2&&8)-(F(l,c-16)==134695760&&4)):l.subarray(0,s);f?f.push(h,!!o):this.k[+(o==2)].push(h)}if(o&2)return this.push(l.subarray(s),t);this.p=l.subarray(s)}t&&(this.c&&j(13),this.p=null)},e.prototype.register=function(e){this.o[e.compression]=e},e}();var Ot=typeof queueMicrotask==`function`?queueMicrotask:typeof setTimeout==`function`?setTimeout:function(e){e()};function kt(e,t,n){n||(n=t,t={}),typeof n!=`function`&&j(7);var i=[],a=function(){for(var e=0;e<i.length;++e)i[e]()},o={},s=function(e,t){Ot(function(){n(e,t)})};Ot(function(){s=n});for(var c=e.length-22;F(e,c)!=101010256;--c)if(!c||e.length-c>65558)return s(j(13,0,1),null),a;var l=Ae(e,c+8);if(l){var u=l,d=F(e,c+16),f=F(e,c-20)==117853008;if(f){var p=F(e,c-12);f=F(e,p)==101075792,f&&(u=l=F(e,p+32),d=F(e,p+48))}for(var m=t&&t.filter,h=function(t){var n=bt(e,d,f),c=n[0],u=n[1],p=n[2],h=n[3],g=n[4],_=n[5],v=yt(e,_);d=g;var y=function(e,t){e?(a(),s(e,null)):(t&&(o[h]=t),--l||s(null,o))};if(!m||m({name:h,size:u,originalSize:p,compression:c})){if(!c)y(null,A(e,v,v+u));else if(c==8){var b=e.subarray(v,v+u);if(p<524288||u>.8*p)try{y(null,Ke(b,{out:new r(p)}))}catch(e){y(e,null)}else i.push(Ge(b,{size:p},y))}else y(j(14,`unknown compression type `+c,1),null)}else y(null,null)},g=0;g<u;++g)h(g)}else s(null,{});return a}function At(e,t){for(var n={},i=e.length-22;F(e,i)!=101010256;--i)(!i||e.length-i>65558)&&j(13);var a=Ae(e,i+8);if(!a)return{};var o=F(e,i+16),s=F(e,i-20)==117853008;if(s){var c=F(e,i-12);s=F(e,c)==101075792,s&&(a=F(e,c+32),o=F(e,c+48))}for(var l=t&&t.filter,u=0;u<a;++u){var d=bt(e,o,s),f=d[0],p=d[1],m=d[2],h=d[3],g=d[4],_=d[5],v=yt(e,_);o=g,(!l||l({name:h,size:p,originalSize:m,compression:f}))&&(f?f==8?n[h]=Ke(e.subarray(v,v+p),{out:new r(m)}):j(14,`unknown compression type `+f):n[h]=A(e,v,v+p))}return n}})),sp=/* @__PURE__ */ e((e=>{Object.defineProperty(e,"__esModule",{value:!0}),e.NIFTIEXTENSION=void 0,e.NIFTIEXTENSION=class{esize;ecode;edata;littleEndian;constructor(e,t,n,r){if(e%16!=0)throw Error(`This does not appear to be a NIFTI extension`);this.esize=e,this.ecode=t,this.edata=n,this.littleEndian=r}toArrayBuffer(){let e=new Uint8Array(this.esize),t=new Uint8Array(this.edata);e.set(t,8);let n=new DataView(e.buffer);return n.setInt32(0,this.esize,this.littleEndian),n.setInt32(4,this.ecode,this.littleEndian),e.buffer}}})),cp=/* @__PURE__ */ e((e=>{Object.defineProperty(e,"__esModule",{value:!0}),e.Utils=void 0;let t=sp();e.Utils=class e{static crcTable=null;static GUNZIP_MAGIC_COOKIE1=31;static GUNZIP_MAGIC_COOKIE2=139;static getStringAt(e,t,n){for(var r=``,i=t,a;i<n;i+=1)a=e.getUint8(i),a!==0&&(r+=String.fromCharCode(a));return r}static getByteAt=function(e,t){return e.getUint8(t)};static getShortAt=function(e,t,n){return e.getInt16(t,n)};static getIntAt(e,t,n){return e.getInt32(t,n)}static getFloatAt(e,t,n){return e.getFloat32(t,n)}static getDoubleAt(e,t,n){return e.getFloat64(t,n)}static getInt64At(e,t,n){let r=e.getUint32(t,n),i=e.getInt32(t+4,n),a;return a=n?i*2**32+r:r*2**32+i,i<0&&(a+=-1*2**32*2**32),a}static getExtensionsAt(n,r,i,a){let o=[],s=r;for(;s<a;){let r=i,c=e.getIntAt(n,s,i);if(!c)break;if(c+s>a&&(r=!r,c=e.getIntAt(n,s,r),c+s>a))throw Error(`This does not appear to be a valid NIFTI extension`);if(c%16!=0)throw Error(`This does not appear to be a NIFTI extension`);let l=e.getIntAt(n,s+4,r),u=n.buffer.slice(s+8,s+c);console.log(`extensionByteIndex: `+(s+8)+` esize: `+c),console.log(u);let d=new t.NIFTIEXTENSION(c,l,u,r);o.push(d),s+=c}return o}static toArrayBuffer(e){for(var t=new ArrayBuffer(e.length),n=new Uint8Array(t),r=0;r<e.length;r+=1)n[r]=e[r];return t}static isString(e){return typeof e==`string`||e instanceof String}static formatNumber(t,n=void 0){let r;return r=e.isString(t)?Number(t):t,r=n?r.toPrecision(5):r.toPrecision(7),parseFloat(r)}static makeCRCTable(){let e,t=[];for(var n=0;n<256;n++){e=n;for(var r=0;r<8;r++)e=e&1?3988292384^e>>>1:e>>>1;t[n]=e}return t}static crc32(t){e.crcTable||=e.makeCRCTable();let n=e.crcTable,r=-1;for(var i=0;i<t.byteLength;i++)r=r>>>8^n[(r^t.getUint8(i))&255];return(r^-1)>>>0}}})),lp=/* @__PURE__ */ e((e=>{Object.defineProperty(e,"__esModule",{value:!0}),e.NIFTI1=void 0;let t=cp();e.NIFTI1=class e{littleEndian=!1;dim_info=0;dims=[];intent_p1=0;intent_p2=0;intent_p3=0;intent_code=0;datatypeCode=0;numBitsPerVoxel=0;slice_start=0;slice_end=0;slice_code=0;pixDims=[];vox_offset=0;scl_slope=1;scl_inter=0;xyzt_units=0;cal_max=0;cal_min=0;slice_duration=0;toffset=0;description=``;aux_file=``;intent_name=``;qform_code=0;sform_code=0;quatern_a=0;quatern_b=0;quatern_c=0;quatern_d=0;qoffset_x=0;qoffset_y=0;qoffset_z=0;affine=[[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]];qfac=1;quatern_R;magic=`0`;isHDR=!1;extensionFlag=[0,0,0,0];extensionSize=0;extensionCode=0;extensions=[];static TYPE_NONE=0;static TYPE_BINARY=1;static TYPE_UINT8=2;static TYPE_INT16=4;static TYPE_INT32=8;static TYPE_FLOAT32=16;static TYPE_COMPLEX64=32;static TYPE_FLOAT64=64;static TYPE_RGB24=128;static TYPE_INT8=256;static TYPE_UINT16=512;static TYPE_UINT32=768;static TYPE_INT64=1024;static TYPE_UINT64=1280;static TYPE_FLOAT128=1536;static TYPE_COMPLEX128=1792;static TYPE_COMPLEX256=2048;static XFORM_UNKNOWN=0;static XFORM_SCANNER_ANAT=1;static XFORM_ALIGNED_ANAT=2;static XFORM_TALAIRACH=3;static XFORM_MNI_152=4;static SPATIAL_UNITS_MASK=7;static TEMPORAL_UNITS_MASK=56;static UNITS_UNKNOWN=0;static UNITS_METER=1;static UNITS_MM=2;static UNITS_MICRON=3;static UNITS_SEC=8;static UNITS_MSEC=16;static UNITS_USEC=24;static UNITS_HZ=32;static UNITS_PPM=40;static UNITS_RADS=48;static MAGIC_COOKIE=348;static STANDARD_HEADER_SIZE=348;static MAGIC_NUMBER_LOCATION=344;static MAGIC_NUMBER=[110,43,49];static MAGIC_NUMBER2=[110,105,49];static EXTENSION_HEADER_SIZE=8;readHeader(n){var r=new DataView(n),i=t.Utils.getIntAt(r,0,this.littleEndian),a,o,s,c;if(i!==e.MAGIC_COOKIE&&(this.littleEndian=!0,i=t.Utils.getIntAt(r,0,this.littleEndian)),i!==e.MAGIC_COOKIE)throw Error(`This does not appear to be a NIFTI file!`);for(this.dim_info=t.Utils.getByteAt(r,39),a=0;a<8;a+=1)c=40+a*2,this.dims[a]=t.Utils.getShortAt(r,c,this.littleEndian);for(this.intent_p1=t.Utils.getFloatAt(r,56,this.littleEndian),this.intent_p2=t.Utils.getFloatAt(r,60,this.littleEndian),this.intent_p3=t.Utils.getFloatAt(r,64,this.littleEndian),this.intent_code=t.Utils.getShortAt(r,68,this.littleEndian),this.datatypeCode=t.Utils.getShortAt(r,70,this.littleEndian),this.numBitsPerVoxel=t.Utils.getShortAt(r,72,this.littleEndian),this.slice_start=t.Utils.getShortAt(r,74,this.littleEndian),a=0;a<8;a+=1)c=76+a*4,this.pixDims[a]=t.Utils.getFloatAt(r,c,this.littleEndian);if(this.vox_offset=t.Utils.getFloatAt(r,108,this.littleEndian),this.scl_slope=t.Utils.getFloatAt(r,112,this.littleEndian),this.scl_inter=t.Utils.getFloatAt(r,116,this.littleEndian),this.slice_end=t.Utils.getShortAt(r,120,this.littleEndian),this.slice_code=t.Utils.getByteAt(r,122),this.xyzt_units=t.Utils.getByteAt(r,123),this.cal_max=t.Utils.getFloatAt(r,124,this.littleEndian),this.cal_min=t.Utils.getFloatAt(r,128,this.littleEndian),this.slice_duration=t.Utils.getFloatAt(r,132,this.littleEndian),this.toffset=t.Utils.getFloatAt(r,136,this.littleEndian),this.description=t.Utils.getStringAt(r,148,228),this.aux_file=t.Utils.getStringAt(r,228,252),this.qform_code=t.Utils.getShortAt(r,252,this.littleEndian),this.sform_code=t.Utils.getShortAt(r,254,this.littleEndian),this.quatern_b=t.Utils.getFloatAt(r,256,this.littleEndian),this.quatern_c=t.Utils.getFloatAt(r,260,this.littleEndian),this.quatern_d=t.Utils.getFloatAt(r,264,this.littleEndian),this.quatern_a=Math.sqrt(1-(this.quatern_b**2+this.quatern_c**2+this.quatern_d**2)),this.qoffset_x=t.Utils.getFloatAt(r,268,this.littleEndian),this.qoffset_y=t.Utils.getFloatAt(r,272,this.littleEndian),this.qoffset_z=t.Utils.getFloatAt(r,276,this.littleEndian),this.qform_code<1&&this.sform_code<1&&(this.affine[0][0]=this.pixDims[1],this.affine[1][1]=this.pixDims[2],this.affine[2][2]=this.pixDims[3]),this.qform_code>0&&this.sform_code<this.qform_code){let e=this.quatern_a,t=this.quatern_b,n=this.quatern_c,r=this.quatern_d;for(this.qfac=this.pixDims[0]===0?1:this.pixDims[0],this.quatern_R=[[e*e+t*t-n*n-r*r,2*t*n-2*e*r,2*t*r+2*e*n],[2*t*n+2*e*r,e*e+n*n-t*t-r*r,2*n*r-2*e*t],[2*t*r-2*e*n,2*n*r+2*e*t,e*e+r*r-n*n-t*t]],o=0;o<3;o+=1)for(s=0;s<3;s+=1)this.affine[o][s]=this.quatern_R[o][s]*this.pixDims[s+1],s===2&&(this.affine[o][s]*=this.qfac);this.affine[0][3]=this.qoffset_x,this.affine[1][3]=this.qoffset_y,this.affine[2][3]=this.qoffset_z}else if(this.sform_code>0)for(o=0;o<3;o+=1)for(s=0;s<4;s+=1)c=280+(o*4+s)*4,this.affine[o][s]=t.Utils.getFloatAt(r,c,this.littleEndian);if(this.affine[3][0]=0,this.affine[3][1]=0,this.affine[3][2]=0,this.affine[3][3]=1,this.intent_name=t.Utils.getStringAt(r,328,344),this.magic=t.Utils.getStringAt(r,344,348),this.isHDR=this.magic===String.fromCharCode.apply(null,e.MAGIC_NUMBER2),r.byteLength>e.MAGIC_COOKIE){this.extensionFlag[0]=t.Utils.getByteAt(r,348),this.extensionFlag[1]=t.Utils.getByteAt(r,349),this.extensionFlag[2]=t.Utils.getByteAt(r,350),this.extensionFlag[3]=t.Utils.getByteAt(r,351);let e=!0;!this.isHDR&&this.vox_offset<=352&&(e=!1),r.byteLength<=368&&(e=!1),e&&this.extensionFlag[0]&&(this.extensions=t.Utils.getExtensionsAt(r,this.getExtensionLocation(),this.littleEndian,this.vox_offset),this.extensionSize=this.extensions[0].esize,this.extensionCode=this.extensions[0].ecode)}}toFormattedString(){var n=t.Utils.formatNumber,r=``;return r+=`Dim Info = `+this.dim_info+`
`,r+=`Image Dimensions (1-8): `+this.dims[0]+`, `+this.dims[1]+`, `+this.dims[2]+`, `+this.dims[3]+`, `+this.dims[4]+`, `+this.dims[5]+`, `+this.dims[6]+`, `+this.dims[7]+`
`,r+=`Intent Parameters (1-3): `+this.intent_p1+`, `+this.intent_p2+`, `+this.intent_p3+`
`,r+=`Intent Code = `+this.intent_code+`
`,r+=`Datatype = `+this.datatypeCode+` (`+this.getDatatypeCodeString(this.datatypeCode)+`)
`,r+=`Bits Per Voxel = `+this.numBitsPerVoxel+`
`,r+=`Slice Start = `+this.slice_start+`
`,r+=`Voxel Dimensions (1-8): `+n(this.pixDims[0])+`, `+n(this.pixDims[1])+`, `+n(this.pixDims[2])+`, `+n(this.pixDims[3])+`, `+n(this.pixDims[4])+`, `+n(this.pixDims[5])+`, `+n(this.pixDims[6])+`, `+n(this.pixDims[7])+`
`,r+=`Image Offset = `+this.vox_offset+`
`,r+=`Data Scale:  Slope = `+n(this.scl_slope)+`  Intercept = `+n(this.scl_inter)+`
`,r+=`Slice End = `+this.slice_end+`
`,r+=`Slice Code = `+this.slice_code+`
`,r+=`Units Code = `+this.xyzt_units+` (`+this.getUnitsCodeString(e.SPATIAL_UNITS_MASK&this.xyzt_units)+`, `+this.getUnitsCodeString(e.TEMPORAL_UNITS_MASK&this.xyzt_units)+`)
`,r+=`Display Range:  Max = `+n(this.cal_max)+`  Min = `+n(this.cal_min)+`
`,r+=`Slice Duration = `+this.slice_duration+`
`,r+=`Time Axis Shift = `+this.toffset+`
`,r+=`Description: "`+this.description+`"
`,r+=`Auxiliary File: "`+this.aux_file+`"
`,r+=`Q-Form Code = `+this.qform_code+` (`+this.getTransformCodeString(this.qform_code)+`)
`,r+=`S-Form Code = `+this.sform_code+` (`+this.getTransformCodeString(this.sform_code)+`)
`,r+=`Quaternion Parameters:  b = `+n(this.quatern_b)+`  c = `+n(this.quatern_c)+`  d = `+n(this.quatern_d)+`
`,r+=`Quaternion Offsets:  x = `+this.qoffset_x+`  y = `+this.qoffset_y+`  z = `+this.qoffset_z+`
`,r+=`S-Form Parameters X: `+n(this.affine[0][0])+`, `+n(this.affine[0][1])+`, `+n(this.affine[0][2])+`, `+n(this.affine[0][3])+`
`,r+=`S-Form Parameters Y: `+n(this.affine[1][0])+`, `+n(this.affine[1][1])+`, `+n(this.affine[1][2])+`, `+n(this.affine[1][3])+`
`,r+=`S-Form Parameters Z: `+n(this.affine[2][0])+`, `+n(this.affine[2][1])+`, `+n(this.affine[2][2])+`, `+n(this.affine[2][3])+`
`,r+=`Intent Name: "`+this.intent_name+`"
`,this.extensionFlag[0]&&(r+=`Extension: Size = `+this.extensionSize+`  Code = `+this.extensionCode+`
`),r}getDatatypeCodeString=function(t){return t===e.TYPE_UINT8?`1-Byte Unsigned Integer`:t===e.TYPE_INT16?`2-Byte Signed Integer`:t===e.TYPE_INT32?`4-Byte Signed Integer`:t===e.TYPE_FLOAT32?`4-Byte Float`:t===e.TYPE_FLOAT64?`8-Byte Float`:t===e.TYPE_RGB24?`RGB`:t===e.TYPE_INT8?`1-Byte Signed Integer`:t===e.TYPE_UINT16?`2-Byte Unsigned Integer`:t===e.TYPE_UINT32?`4-Byte Unsigned Integer`:t===e.TYPE_INT64?`8-Byte Signed Integer`:t===e.TYPE_UINT64?`8-Byte Unsigned Integer`:`Unknown`};getTransformCodeString=function(t){return t===e.XFORM_SCANNER_ANAT?`Scanner`:t===e.XFORM_ALIGNED_ANAT?`Aligned`:t===e.XFORM_TALAIRACH?`Talairach`:t===e.XFORM_MNI_152?`MNI`:`Unknown`};getUnitsCodeString=function(t){return t===e.UNITS_METER?`Meters`:t===e.UNITS_MM?`Millimeters`:t===e.UNITS_MICRON?`Microns`:t===e.UNITS_SEC?`Seconds`:t===e.UNITS_MSEC?`Milliseconds`:t===e.UNITS_USEC?`Microseconds`:t===e.UNITS_HZ?`Hz`:t===e.UNITS_PPM?`PPM`:t===e.UNITS_RADS?`Rads`:`Unknown`};getQformMat(){return this.convertNiftiQFormToNiftiSForm(this.quatern_b,this.quatern_c,this.quatern_d,this.qoffset_x,this.qoffset_y,this.qoffset_z,this.pixDims[1],this.pixDims[2],this.pixDims[3],this.pixDims[0])}convertNiftiQFormToNiftiSForm(e,t,n,r,i,a,o,s,c,l){var u=[[0,0,0,0],[0,0,0,0],[0,0,0,0],[0,0,0,0]],d,f=e,p=t,m=n,h,g,_;return u[3][0]=u[3][1]=u[3][2]=0,u[3][3]=1,d=1-(f*f+p*p+m*m),d<1e-7?(d=1/Math.sqrt(f*f+p*p+m*m),f*=d,p*=d,m*=d,d=0):d=Math.sqrt(d),h=o>0?o:1,g=s>0?s:1,_=c>0?c:1,l<0&&(_=-_),u[0][0]=(d*d+f*f-p*p-m*m)*h,u[0][1]=2*(f*p-d*m)*g,u[0][2]=2*(f*m+d*p)*_,u[1][0]=2*(f*p+d*m)*h,u[1][1]=(d*d+p*p-f*f-m*m)*g,u[1][2]=2*(p*m-d*f)*_,u[2][0]=2*(f*m-d*p)*h,u[2][1]=2*(p*m+d*f)*g,u[2][2]=(d*d+m*m-p*p-f*f)*_,u[0][3]=r,u[1][3]=i,u[2][3]=a,u}convertNiftiSFormToNEMA(e){var t,n,r,i,a,o,s,c,l,u,d,f,p,m,h=0,g,_,v,y,b,x,S,C,w,T,E,D=[[0,0,0],[0,0,0],[0,0,0]],O=[[0,0,0],[0,0,0],[0,0,0]],k,A,ee,j,M,N;if(t=e[0][0],n=e[0][1],r=e[0][2],i=e[1][0],a=e[1][1],o=e[1][2],s=e[2][0],c=e[2][1],l=e[2][2],u=Math.sqrt(t*t+i*i+s*s),u===0||(t/=u,i/=u,s/=u,u=Math.sqrt(n*n+a*a+c*c),u===0))return null;if(n/=u,a/=u,c/=u,u=t*n+i*a+s*c,Math.abs(u)>1e-4){if(n-=u*t,a-=u*i,c-=u*s,u=Math.sqrt(n*n+a*a+c*c),u===0)return null;n/=u,a/=u,c/=u}if(u=Math.sqrt(r*r+o*o+l*l),u===0?(r=i*c-s*a,o=s*n-c*t,l=t*a-i*n):(r/=u,o/=u,l/=u),u=t*r+i*o+s*l,Math.abs(u)>1e-4){if(r-=u*t,o-=u*i,l-=u*s,u=Math.sqrt(r*r+o*o+l*l),u===0)return null;r/=u,o/=u,l/=u}if(u=n*r+a*o+c*l,Math.abs(u)>1e-4){if(r-=u*n,o-=u*a,l-=u*c,u=Math.sqrt(r*r+o*o+l*l),u===0)return null;r/=u,o/=u,l/=u}if(D[0][0]=t,D[0][1]=n,D[0][2]=r,D[1][0]=i,D[1][1]=a,D[1][2]=o,D[2][0]=s,D[2][1]=c,D[2][2]=l,d=this.nifti_mat33_determ(D),d===0)return null;for(E=-666,y=S=C=w=1,b=2,x=3,p=1;p<=3;p+=1)for(m=1;m<=3;m+=1)if(p!==m){for(h=1;h<=3;h+=1)if(p!==h&&m!==h)for(O[0][0]=O[0][1]=O[0][2]=O[1][0]=O[1][1]=O[1][2]=O[2][0]=O[2][1]=O[2][2]=0,g=-1;g<=1;g+=2)for(_=-1;_<=1;_+=2)for(v=-1;v<=1;v+=2)O[0][p-1]=g,O[1][m-1]=_,O[2][h-1]=v,f=this.nifti_mat33_determ(O),f*d>0&&(T=this.nifti_mat33_mul(O,D),u=T[0][0]+T[1][1]+T[2][2],u>E&&(E=u,y=p,b=m,x=h,S=g,C=_,w=v))}switch(k=A=ee=j=M=N=``,y*S){case 1:k=`X`,j=`+`;break;case-1:k=`X`,j=`-`;break;case 2:k=`Y`,j=`+`;break;case-2:k=`Y`,j=`-`;break;case 3:k=`Z`,j=`+`;break;case-3:k=`Z`,j=`-`}switch(b*C){case 1:A=`X`,M=`+`;break;case-1:A=`X`,M=`-`;break;case 2:A=`Y`,M=`+`;break;case-2:A=`Y`,M=`-`;break;case 3:A=`Z`,M=`+`;break;case-3:A=`Z`,M=`-`}switch(x*w){case 1:ee=`X`,N=`+`;break;case-1:ee=`X`,N=`-`;break;case 2:ee=`Y`,N=`+`;break;case-2:ee=`Y`,N=`-`;break;case 3:ee=`Z`,N=`+`;break;case-3:ee=`Z`,N=`-`}return k+A+ee+j+M+N}nifti_mat33_mul=function(e,t){for(var n=[[0,0,0],[0,0,0],[0,0,0]],r=0,i;r<3;r+=1)for(i=0;i<3;i+=1)n[r][i]=e[r][0]*t[0][i]+e[r][1]*t[1][i]+e[r][2]*t[2][i];return n};nifti_mat33_determ=function(e){var t=e[0][0],n=e[0][1],r=e[0][2],i=e[1][0],a=e[1][1],o=e[1][2],s=e[2][0],c=e[2][1],l=e[2][2];return t*a*l-t*c*o-i*n*l+i*c*r+s*n*o-s*a*r};getExtensionLocation(){return e.MAGIC_COOKIE+4}getExtensionSize(e){return t.Utils.getIntAt(e,this.getExtensionLocation(),this.littleEndian)}getExtensionCode(e){return t.Utils.getIntAt(e,this.getExtensionLocation()+4,this.littleEndian)}addExtension(e,t=-1){t==-1?this.extensions.push(e):this.extensions.splice(t,0,e),this.vox_offset+=e.esize}removeExtension(e){let t=this.extensions[e];t&&(this.vox_offset-=t.esize),this.extensions.splice(e,1)}toArrayBuffer(e=!1){let t=352;if(e)for(let e of this.extensions)t+=e.esize;let n=new Uint8Array(t),r=new DataView(n.buffer);r.setInt32(0,348,this.littleEndian),r.setUint8(39,this.dim_info);for(let e=0;e<8;e++)r.setUint16(40+2*e,this.dims[e],this.littleEndian);r.setFloat32(56,this.intent_p1,this.littleEndian),r.setFloat32(60,this.intent_p2,this.littleEndian),r.setFloat32(64,this.intent_p3,this.littleEndian),r.setInt16(68,this.intent_code,this.littleEndian),r.setInt16(70,this.datatypeCode,this.littleEndian),r.setInt16(72,this.numBitsPerVoxel,this.littleEndian),r.setInt16(74,this.slice_start,this.littleEndian);for(let e=0;e<8;e++)r.setFloat32(76+4*e,this.pixDims[e],this.littleEndian);r.setFloat32(108,this.vox_offset,this.littleEndian),r.setFloat32(112,this.scl_slope,this.littleEndian),r.setFloat32(116,this.scl_inter,this.littleEndian),r.setInt16(120,this.slice_end,this.littleEndian),r.setUint8(122,this.slice_code),r.setUint8(123,this.xyzt_units),r.setFloat32(124,this.cal_max,this.littleEndian),r.setFloat32(128,this.cal_min,this.littleEndian),r.setFloat32(132,this.slice_duration,this.littleEndian),r.setFloat32(136,this.toffset,this.littleEndian),n.set(Buffer.from(this.description),148),n.set(Buffer.from(this.aux_file),228),r.setInt16(252,this.qform_code,this.littleEndian),r.setInt16(254,this.sform_code,this.littleEndian),r.setFloat32(256,this.quatern_b,this.littleEndian),r.setFloat32(260,this.quatern_c,this.littleEndian),r.setFloat32(264,this.quatern_d,this.littleEndian),r.setFloat32(268,this.qoffset_x,this.littleEndian),r.setFloat32(272,this.qoffset_y,this.littleEndian),r.setFloat32(276,this.qoffset_z,this.littleEndian);let i=this.affine.flat();for(let e=0;e<12;e++)r.setFloat32(280+4*e,i[e],this.littleEndian);if(n.set(Buffer.from(this.intent_name),328),n.set(Buffer.from(this.magic),344),e){n.set(Uint8Array.from([1,0,0,0]),348);let e=this.getExtensionLocation();for(let t of this.extensions)r.setInt32(e,t.esize,t.littleEndian),r.setInt32(e+4,t.ecode,t.littleEndian),n.set(new Uint8Array(t.edata),e+8),e+=t.esize}else n.set((/* @__PURE__ */ new Uint8Array(4)).fill(0),348);return n.buffer}}})),up=/* @__PURE__ */ e((e=>{Object.defineProperty(e,"__esModule",{value:!0}),e.NIFTI2=void 0;let t=lp(),n=cp();e.NIFTI2=class e{littleEndian=!1;dim_info=0;dims=[];intent_p1=0;intent_p2=0;intent_p3=0;intent_code=0;datatypeCode=0;numBitsPerVoxel=0;slice_start=0;slice_end=0;slice_code=0;pixDims=[];vox_offset=0;scl_slope=1;scl_inter=0;xyzt_units=0;cal_max=0;cal_min=0;slice_duration=0;toffset=0;description=``;aux_file=``;intent_name=``;qform_code=0;sform_code=0;quatern_b=0;quatern_c=0;quatern_d=0;qoffset_x=0;qoffset_y=0;qoffset_z=0;affine=[[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]];magic=`0`;extensionFlag=[0,0,0,0];extensions=[];extensionSize=0;extensionCode=0;static MAGIC_COOKIE=540;static MAGIC_NUMBER_LOCATION=4;static MAGIC_NUMBER=[110,43,50,0,13,10,26,10];static MAGIC_NUMBER2=[110,105,50,0,13,10,26,10];readHeader(t){var r=new DataView(t),i=n.Utils.getIntAt(r,0,this.littleEndian),a,o,s,c;if(i!==e.MAGIC_COOKIE&&(this.littleEndian=!0,i=n.Utils.getIntAt(r,0,this.littleEndian)),i!==e.MAGIC_COOKIE)throw Error(`This does not appear to be a NIFTI file!`);for(this.magic=n.Utils.getStringAt(r,4,12),this.datatypeCode=n.Utils.getShortAt(r,12,this.littleEndian),this.numBitsPerVoxel=n.Utils.getShortAt(r,14,this.littleEndian),a=0;a<8;a+=1)c=16+a*8,this.dims[a]=n.Utils.getInt64At(r,c,this.littleEndian);for(this.intent_p1=n.Utils.getDoubleAt(r,80,this.littleEndian),this.intent_p2=n.Utils.getDoubleAt(r,88,this.littleEndian),this.intent_p3=n.Utils.getDoubleAt(r,96,this.littleEndian),a=0;a<8;a+=1)c=104+a*8,this.pixDims[a]=n.Utils.getDoubleAt(r,c,this.littleEndian);for(this.vox_offset=n.Utils.getInt64At(r,168,this.littleEndian),this.scl_slope=n.Utils.getDoubleAt(r,176,this.littleEndian),this.scl_inter=n.Utils.getDoubleAt(r,184,this.littleEndian),this.cal_max=n.Utils.getDoubleAt(r,192,this.littleEndian),this.cal_min=n.Utils.getDoubleAt(r,200,this.littleEndian),this.slice_duration=n.Utils.getDoubleAt(r,208,this.littleEndian),this.toffset=n.Utils.getDoubleAt(r,216,this.littleEndian),this.slice_start=n.Utils.getInt64At(r,224,this.littleEndian),this.slice_end=n.Utils.getInt64At(r,232,this.littleEndian),this.description=n.Utils.getStringAt(r,240,320),this.aux_file=n.Utils.getStringAt(r,320,344),this.qform_code=n.Utils.getIntAt(r,344,this.littleEndian),this.sform_code=n.Utils.getIntAt(r,348,this.littleEndian),this.quatern_b=n.Utils.getDoubleAt(r,352,this.littleEndian),this.quatern_c=n.Utils.getDoubleAt(r,360,this.littleEndian),this.quatern_d=n.Utils.getDoubleAt(r,368,this.littleEndian),this.qoffset_x=n.Utils.getDoubleAt(r,376,this.littleEndian),this.qoffset_y=n.Utils.getDoubleAt(r,384,this.littleEndian),this.qoffset_z=n.Utils.getDoubleAt(r,392,this.littleEndian),o=0;o<3;o+=1)for(s=0;s<4;s+=1)c=400+(o*4+s)*8,this.affine[o][s]=n.Utils.getDoubleAt(r,c,this.littleEndian);this.affine[3][0]=0,this.affine[3][1]=0,this.affine[3][2]=0,this.affine[3][3]=1,this.slice_code=n.Utils.getIntAt(r,496,this.littleEndian),this.xyzt_units=n.Utils.getIntAt(r,500,this.littleEndian),this.intent_code=n.Utils.getIntAt(r,504,this.littleEndian),this.intent_name=n.Utils.getStringAt(r,508,524),this.dim_info=n.Utils.getByteAt(r,524),r.byteLength>e.MAGIC_COOKIE&&(this.extensionFlag[0]=n.Utils.getByteAt(r,540),this.extensionFlag[1]=n.Utils.getByteAt(r,541),this.extensionFlag[2]=n.Utils.getByteAt(r,542),this.extensionFlag[3]=n.Utils.getByteAt(r,543),this.extensionFlag[0]&&(this.extensions=n.Utils.getExtensionsAt(r,this.getExtensionLocation(),this.littleEndian,this.vox_offset),this.extensionSize=this.extensions[0].esize,this.extensionCode=this.extensions[0].ecode))}toFormattedString(){var e=n.Utils.formatNumber,r=``;return r+=`Datatype = `+ +this.datatypeCode+` (`+this.getDatatypeCodeString(this.datatypeCode)+`)
`,r+=`Bits Per Voxel =  = `+this.numBitsPerVoxel+`
`,r+=`Image Dimensions (1-8): `+this.dims[0]+`, `+this.dims[1]+`, `+this.dims[2]+`, `+this.dims[3]+`, `+this.dims[4]+`, `+this.dims[5]+`, `+this.dims[6]+`, `+this.dims[7]+`
`,r+=`Intent Parameters (1-3): `+this.intent_p1+`, `+this.intent_p2+`, `+this.intent_p3+`
`,r+=`Voxel Dimensions (1-8): `+e(this.pixDims[0])+`, `+e(this.pixDims[1])+`, `+e(this.pixDims[2])+`, `+e(this.pixDims[3])+`, `+e(this.pixDims[4])+`, `+e(this.pixDims[5])+`, `+e(this.pixDims[6])+`, `+e(this.pixDims[7])+`
`,r+=`Image Offset = `+this.vox_offset+`
`,r+=`Data Scale:  Slope = `+e(this.scl_slope)+`  Intercept = `+e(this.scl_inter)+`
`,r+=`Display Range:  Max = `+e(this.cal_max)+`  Min = `+e(this.cal_min)+`
`,r+=`Slice Duration = `+this.slice_duration+`
`,r+=`Time Axis Shift = `+this.toffset+`
`,r+=`Slice Start = `+this.slice_start+`
`,r+=`Slice End = `+this.slice_end+`
`,r+=`Description: "`+this.description+`"
`,r+=`Auxiliary File: "`+this.aux_file+`"
`,r+=`Q-Form Code = `+this.qform_code+` (`+this.getTransformCodeString(this.qform_code)+`)
`,r+=`S-Form Code = `+this.sform_code+` (`+this.getTransformCodeString(this.sform_code)+`)
`,r+=`Quaternion Parameters:  b = `+e(this.quatern_b)+`  c = `+e(this.quatern_c)+`  d = `+e(this.quatern_d)+`
`,r+=`Quaternion Offsets:  x = `+this.qoffset_x+`  y = `+this.qoffset_y+`  z = `+this.qoffset_z+`
`,r+=`S-Form Parameters X: `+e(this.affine[0][0])+`, `+e(this.affine[0][1])+`, `+e(this.affine[0][2])+`, `+e(this.affine[0][3])+`
`,r+=`S-Form Parameters Y: `+e(this.affine[1][0])+`, `+e(this.affine[1][1])+`, `+e(this.affine[1][2])+`, `+e(this.affine[1][3])+`
`,r+=`S-Form Parameters Z: `+e(this.affine[2][0])+`, `+e(this.affine[2][1])+`, `+e(this.affine[2][2])+`, `+e(this.affine[2][3])+`
`,r+=`Slice Code = `+this.slice_code+`
`,r+=`Units Code = `+this.xyzt_units+` (`+this.getUnitsCodeString(t.NIFTI1.SPATIAL_UNITS_MASK&this.xyzt_units)+`, `+this.getUnitsCodeString(t.NIFTI1.TEMPORAL_UNITS_MASK&this.xyzt_units)+`)
`,r+=`Intent Code = `+this.intent_code+`
`,r+=`Intent Name: "`+this.intent_name+`"
`,r+=`Dim Info = `+this.dim_info+`
`,r}getExtensionLocation=function(){return e.MAGIC_COOKIE+4};getExtensionSize=t.NIFTI1.prototype.getExtensionSize;getExtensionCode=t.NIFTI1.prototype.getExtensionCode;addExtension=t.NIFTI1.prototype.addExtension;removeExtension=t.NIFTI1.prototype.removeExtension;getDatatypeCodeString=t.NIFTI1.prototype.getDatatypeCodeString;getTransformCodeString=t.NIFTI1.prototype.getTransformCodeString;getUnitsCodeString=t.NIFTI1.prototype.getUnitsCodeString;getQformMat=t.NIFTI1.prototype.getQformMat;convertNiftiQFormToNiftiSForm=t.NIFTI1.prototype.convertNiftiQFormToNiftiSForm;convertNiftiSFormToNEMA=t.NIFTI1.prototype.convertNiftiSFormToNEMA;nifti_mat33_mul=t.NIFTI1.prototype.nifti_mat33_mul;nifti_mat33_determ=t.NIFTI1.prototype.nifti_mat33_determ;toArrayBuffer(e=!1){let t=544;if(e)for(let e of this.extensions)t+=e.esize;let n=new Uint8Array(t),r=new DataView(n.buffer);r.setInt32(0,540,this.littleEndian),n.set(Buffer.from(this.magic),4),r.setInt16(12,this.datatypeCode,this.littleEndian),r.setInt16(14,this.numBitsPerVoxel,this.littleEndian);for(let e=0;e<8;e++)r.setBigInt64(16+8*e,BigInt(this.dims[e]),this.littleEndian);r.setFloat64(80,this.intent_p1,this.littleEndian),r.setFloat64(88,this.intent_p2,this.littleEndian),r.setFloat64(96,this.intent_p3,this.littleEndian);for(let e=0;e<8;e++)r.setFloat64(104+8*e,this.pixDims[e],this.littleEndian);r.setBigInt64(168,BigInt(this.vox_offset),this.littleEndian),r.setFloat64(176,this.scl_slope,this.littleEndian),r.setFloat64(184,this.scl_inter,this.littleEndian),r.setFloat64(192,this.cal_max,this.littleEndian),r.setFloat64(200,this.cal_min,this.littleEndian),r.setFloat64(208,this.slice_duration,this.littleEndian),r.setFloat64(216,this.toffset,this.littleEndian),r.setBigInt64(224,BigInt(this.slice_start),this.littleEndian),r.setBigInt64(232,BigInt(this.slice_end),this.littleEndian),n.set(Buffer.from(this.description),240),n.set(Buffer.from(this.aux_file),320),r.setInt32(344,this.qform_code,this.littleEndian),r.setInt32(348,this.sform_code,this.littleEndian),r.setFloat64(352,this.quatern_b,this.littleEndian),r.setFloat64(360,this.quatern_c,this.littleEndian),r.setFloat64(368,this.quatern_d,this.littleEndian),r.setFloat64(376,this.qoffset_x,this.littleEndian),r.setFloat64(384,this.qoffset_y,this.littleEndian),r.setFloat64(392,this.qoffset_z,this.littleEndian);let i=this.affine.flat();for(let e=0;e<12;e++)r.setFloat64(400+8*e,i[e],this.littleEndian);if(r.setInt32(496,this.slice_code,this.littleEndian),r.setInt32(500,this.xyzt_units,this.littleEndian),r.setInt32(504,this.intent_code,this.littleEndian),n.set(Buffer.from(this.intent_name),508),r.setUint8(524,this.dim_info),e){n.set(Uint8Array.from([1,0,0,0]),540);let e=this.getExtensionLocation();for(let t of this.extensions)r.setInt32(e,t.esize,t.littleEndian),r.setInt32(e+4,t.ecode,t.littleEndian),n.set(new Uint8Array(t.edata),e+8),e+=t.esize}else n.set((/* @__PURE__ */ new Uint8Array(4)).fill(0),540);return n.buffer}}})),dp=(/* @__PURE__ */ e(((e,t,n)=>{var r=n&&n.__createBinding||(Object.create?(function(e,t,n,r){r===void 0&&(r=n);var i=Object.getOwnPropertyDescriptor(t,n);(!i||(`get`in i?!t.__esModule:i.writable||i.configurable))&&(i={enumerable:!0,get:function(){return t[n]}}),Object.defineProperty(e,r,i)}):(function(e,t,n,r){r===void 0&&(r=n),e[r]=t[n]})),i=n&&n.__setModuleDefault||(Object.create?(function(e,t){Object.defineProperty(e,"default",{enumerable:!0,value:t})}):function(e,t){e.default=t}),a=n&&n.__importStar||function(e){if(e&&e.__esModule)return e;var t={};if(e!=null)for(var n in e)n!=="default"&&Object.prototype.hasOwnProperty.call(e,n)&&r(t,e,n);return i(t,e),t};Object.defineProperty(e,"__esModule",{value:!0}),e.readExtensionData=e.readExtension=e.readImage=e.hasExtension=e.readHeader=e.decompress=e.isCompressed=e.isNIFTI=e.isNIFTI2=e.isNIFTI1=e.NIFTIEXTENSION=e.Utils=e.NIFTI2=e.NIFTI1=void 0;let o=a(op()),s=lp(),c=up(),l=cp();var u=lp();Object.defineProperty(e,"NIFTI1",{enumerable:!0,get:function(){return u.NIFTI1}});var d=up();Object.defineProperty(e,"NIFTI2",{enumerable:!0,get:function(){return d.NIFTI2}});var f=cp();Object.defineProperty(e,"Utils",{enumerable:!0,get:function(){return f.Utils}});var p=sp();Object.defineProperty(e,"NIFTIEXTENSION",{enumerable:!0,get:function(){return p.NIFTIEXTENSION}});function m(e,t=!1){var n,r,i,a;return e.byteLength<s.NIFTI1.STANDARD_HEADER_SIZE?!1:(n=new DataView(e),n&&(r=n.getUint8(s.NIFTI1.MAGIC_NUMBER_LOCATION)),i=n.getUint8(s.NIFTI1.MAGIC_NUMBER_LOCATION+1),a=n.getUint8(s.NIFTI1.MAGIC_NUMBER_LOCATION+2),t&&r===s.NIFTI1.MAGIC_NUMBER2[0]&&i===s.NIFTI1.MAGIC_NUMBER2[1]&&a===s.NIFTI1.MAGIC_NUMBER2[2]?!0:r===s.NIFTI1.MAGIC_NUMBER[0]&&i===s.NIFTI1.MAGIC_NUMBER[1]&&a===s.NIFTI1.MAGIC_NUMBER[2])}e.isNIFTI1=m;function h(e,t=!1){var n,r,i,a;return e.byteLength<s.NIFTI1.STANDARD_HEADER_SIZE?!1:(n=new DataView(e),r=n.getUint8(c.NIFTI2.MAGIC_NUMBER_LOCATION),i=n.getUint8(c.NIFTI2.MAGIC_NUMBER_LOCATION+1),a=n.getUint8(c.NIFTI2.MAGIC_NUMBER_LOCATION+2),t&&r===c.NIFTI2.MAGIC_NUMBER2[0]&&i===c.NIFTI2.MAGIC_NUMBER2[1]&&a===c.NIFTI2.MAGIC_NUMBER2[2]?!0:r===c.NIFTI2.MAGIC_NUMBER[0]&&i===c.NIFTI2.MAGIC_NUMBER[1]&&a===c.NIFTI2.MAGIC_NUMBER[2])}e.isNIFTI2=h;function g(e,t=!1){return m(e,t)||h(e,t)}e.isNIFTI=g;function _(e){var t,n,r;return!!(e&&(t=new DataView(e),n=t.getUint8(0),r=t.getUint8(1),n===l.Utils.GUNZIP_MAGIC_COOKIE1||r===l.Utils.GUNZIP_MAGIC_COOKIE2))}e.isCompressed=_;function v(e){return o.decompressSync(new Uint8Array(e)).buffer}e.decompress=v;function y(e,t=!1){var n=null;return _(e)&&(e=v(e)),m(e,t)?n=new s.NIFTI1:h(e,t)&&(n=new c.NIFTI2),n?n.readHeader(e):console.error(`That file does not appear to be NIFTI!`),n}e.readHeader=y;function b(e){return e.extensionFlag[0]!=0}e.hasExtension=b;function x(e,t){var n=e.vox_offset,r=1,i=1;e.dims[4]&&(r=e.dims[4]),e.dims[5]&&(i=e.dims[5]);var a=e.dims[1]*e.dims[2]*e.dims[3]*r*i*(e.numBitsPerVoxel/8);return t.slice(n,n+a)}e.readImage=x;function S(e,t){var n=e.getExtensionLocation(),r=e.extensionSize;return t.slice(n,n+r)}e.readExtension=S;function C(e,t){var n=e.getExtensionLocation(),r=e.extensionSize;return t.slice(n+8,n+r)}e.readExtensionData=C})))(),fp=class{url;static RPC_ID=`nifti/VolumeChunkSource`},pp=Object.defineProperty,mp=Object.getOwnPropertyDescriptor,hp=(e,t,n,r)=>{
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
for(var i=r>1?void 0:r?mp(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&pp(t,n,i),i},gp=class{uncompressedData;header};async function _p(e,t){let n=await e.response.arrayBuffer();(0,dp.isCompressed)(n)&&(n=await Wc(n,`gzip`,t.signal));let r=new gp;r.uncompressedData=n;let i=(0,dp.readHeader)(n);if(i===null)throw Error(`Failed to parse NIFTI header.`);return r.header=i,{data:r,size:n.byteLength}}function vp(e,t,n){return Ud(e,t,_p,n)}async function yp(e,t,n){return(await vp(e,t,n)).header}function bp(e){return tn(e[0][0],e[1][0],e[2][0],e[3][0],e[0][1],e[1][1],e[2][1],e[3][1],e[0][2],e[1][2],e[2][2],e[3][2],e[0][3],e[1][3],e[2][3],e[3][3])}var xp=/* @__PURE__ */ (e=>(e[e.NONE=0]=`NONE`,e[e.BINARY=1]=`BINARY`,e[e.UINT8=2]=`UINT8`,e[e.INT16=4]=`INT16`,e[e.INT32=8]=`INT32`,e[e.FLOAT32=16]=`FLOAT32`,e[e.COMPLEX64=32]=`COMPLEX64`,e[e.FLOAT64=64]=`FLOAT64`,e[e.RGB24=128]=`RGB24`,e[e.INT8=256]=`INT8`,e[e.UINT16=512]=`UINT16`,e[e.UINT32=768]=`UINT32`,e[e.INT64=1024]=`INT64`,e[e.UINT64=1280]=`UINT64`,e[e.FLOAT128=1536]=`FLOAT128`,e[e.COMPLEX128=1792]=`COMPLEX128`,e[e.COMPLEX256=2048]=`COMPLEX256`,e))(xp||{});const Sp=/* @__PURE__ */ new Map([[256,{dataType:U.INT8}],[2,{dataType:U.UINT8}],[4,{dataType:U.INT16}],[512,{dataType:U.UINT16}],[8,{dataType:U.INT32}],[768,{dataType:U.UINT32}],[1024,{dataType:U.UINT64}],[1280,{dataType:U.UINT64}],[16,{dataType:U.FLOAT32}]]);Ot(`nifti/getNiftiVolumeInfo`,async function(e,t){let n=await yp(this.get(e.sharedKvStoreContext),e.url,t),r=Sp.get(n.datatypeCode);if(r===void 0)throw Error(`Unsupported data type: ${xp[n.datatypeCode]||n.datatypeCode}.`);let i=1,a=``;switch(n.xyzt_units&dp.NIFTI1.SPATIAL_UNITS_MASK){case dp.NIFTI1.UNITS_METER:i=1,a=`m`;break;case dp.NIFTI1.UNITS_MM:i=1e3,a=`m`;break;case dp.NIFTI1.UNITS_MICRON:i=1e6,a=`m`}let o=``,s=1;switch(n.xyzt_units&dp.NIFTI1.TEMPORAL_UNITS_MASK){case dp.NIFTI1.UNITS_SEC:o=`s`,s=1;break;case dp.NIFTI1.UNITS_MSEC:o=`s`,s=1e3;break;case dp.NIFTI1.UNITS_USEC:o=`s`,s=1e6;break;case dp.NIFTI1.UNITS_HZ:o=`Hz`,s=1;break;case dp.NIFTI1.UNITS_RADS:o=`rad/s`,s=1}let c=[a,a,a,o,``,``,``],l=Float64Array.of(n.pixDims[1]/i,n.pixDims[2]/i,n.pixDims[3]/i,n.pixDims[4]/s,n.pixDims[5],n.pixDims[6],n.pixDims[7]),u=Float64Array.of(1/i,1/i,1/i,1/s,1,1,1),d=[`i`,`j`,`k`,`m`,`c^`,`c1^`,`c2^`],f=[`x`,`y`,`z`,`t`,`c^`,`c1^`,`c2^`],p=n.dims[0];d=d.slice(0,p),f=f.slice(0,p),c=c.slice(0,p),l=l.slice(0,p),u=u.slice(0,p);let{quatern_b:m,quatern_c:h,quatern_d:g}=n,_=Math.sqrt(1-m*m-h*h-g*g),v=n.pixDims[0]===-1?-1:1,y=cn(n.qoffset_x,n.qoffset_y,n.qoffset_z);bp(n.affine);let b=Hn(Qt(),y,On(m,h,g,_),In,v),x=Gi(Float64Array,p+1),S=Math.min(3,p);for(let e=0;e<S;++e){for(let t=0;t<S;++t)x[t*(p+1)+e]=b[t*4+e];x[p*(p+1)+e]=b[12+e]}return{value:{rank:p,sourceNames:d,viewNames:f,units:c,sourceScales:l,viewScales:u,description:n.description,transform:x,dataType:r.dataType,volumeSize:Uint32Array.from(n.dims.slice(1,1+p))}}});let Cp=class extends Hr(Li(tl),fp){async download(e,t){e.chunkDataSize=this.spec.chunkDataSize;let n=await vp(this.sharedKvStoreContext,this.parameters.url,{signal:t});await nu(e,t,(0,dp.readImage)(n.header,n.uncompressedData),n.header.littleEndian?W.LITTLE:W.BIG)}};Cp=hp([R()],Cp);
/**
* @license
* Copyright 2020 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const wp=Ac(`parseOBJFromArrayBuffer`)
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
;var Tp=class{meshSourceUrl},Ep=class extends Tp{info;static RPC_ID=`single_mesh/SingleMeshSource`},Dp=Object.defineProperty,Op=Object.getOwnPropertyDescriptor,kp=(e,t,n,r)=>{
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
for(var i=r>1?void 0:r?Op(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&Dp(t,n,i),i},Ap=class extends Er{data=null;freeSystemMemory(){this.data=null}serialize(e,t){super.serialize(e,t);let{vertexPositions:n,indices:r,vertexNormals:i,vertexAttributes:a}=this.data;e.vertexPositions=n,e.indices=r,e.vertexNormals=i,e.vertexAttributes=a;let o=/* @__PURE__ */ new Set;o.add(n.buffer),o.add(r.buffer),o.add(i.buffer);for(let e of a)o.add(e.buffer);t.push(...o),this.data=null}downloadSucceeded(){let{vertexPositions:e,indices:t,vertexNormals:n,vertexAttributes:r}=this.data,i=this.gpuMemoryBytes=e.byteLength+t.byteLength+n.byteLength;for(let e of r)i+=e.byteLength;this.systemMemoryBytes=this.gpuMemoryBytes=i,super.downloadSucceeded()}};const jp=/* @__PURE__ */ new Map;function Mp(e,t){jp.set(e,t)}const Np=/^(?:([a-zA-Z-+_]+):\/\/)?(.*)$/;function Pp(e,t){let n=t.match(Np);if(n===null||n[1]===void 0)throw Error(`Data source URL must have the form "<protocol>://<path>".`);let r=n[1],i=e.get(r);if(i===void 0)throw Error(`Unsupported data source: ${JSON.stringify(r)}.`);return[i,n[2],r]}function Fp(e,t,n){let[r,i]=Pp(jp,t);return r.getMesh(e,i,n)}function Ip(e,t,n){return Fp(e,t.meshSourceUrl,n)}let Lp=class extends Hr(Li(kr),Ep){getChunk(){let e=this.chunks.get(``);return e===void 0&&(e=this.getNewChunk_(Ap),e.initialize(``),this.addChunk(e)),e}async download(e,t){let n=await Ip(this.sharedKvStoreContext,this.parameters,{signal:t});if(Qn(n.info)!==Qn(this.parameters.info))throw Error(`Mesh info has changed.`);n.vertexNormals===void 0&&(n.vertexNormals=uc(n.vertexPositions,n.indices)),e.data=n}};Lp=kp([R()],Lp);const Rp=Ia(Ur(Nt));let zp=class extends Rp{source;constructor(e,t){super(e,t),this.source=this.registerDisposer(e.getRef(t.source)),this.registerDisposer(this.chunkManager.recomputeChunkPriorities.add(()=>{this.updateChunkPriorities()}))}updateChunkPriorities(){let e=this.visibility.value;if(e===-1/0)return;let t=La(e),n=Ra(e),{source:r,chunkManager:i}=this,a=r.getChunk();i.requestChunk(a,t,n+50)}};zp=kp([R(`single_mesh/SingleMeshLayer`)],zp),Ot(`single_mesh/getSingleMeshInfo`,async function(e,t){let n=this.get(e.sharedKvStoreContext),r=e.parameters;return{value:(await Ip(n,r,t)).info}});
/**
* @license
* Copyright 2020 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
async function Bp(e,t){let n=await e.response.arrayBuffer();return Vc(wp,t.signal,[n],n)}Mp(`obj`,{description:`OBJ`,getMesh:(e,t,n)=>Ud(e,t,Bp,n)});
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var Vp=class{baseUrl;owner;project;stack;channel},Hp=class extends Vp{renderArgs},Up=class extends Hp{dims;level;encoding;static RPC_ID=`render/TileChunkSource`},Wp=Object.defineProperty,Gp=Object.getOwnPropertyDescriptor,Kp=(e,t,n,r)=>{
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
for(var i=r>1?void 0:r?Gp(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&Wp(t,n,i),i};const qp=/* @__PURE__ */ new Map;qp.set(`jpg`,async(e,t,n)=>{let r=e.chunkDataSize,{uint8Array:i}=await Vc(Zc,t,[n],new Uint8Array(n),void 0,void 0,r[0]*r[1]*r[2],3,!0);await Hc(e,t,i)}),qp.set(`png`,async(e,t,n)=>{let r=e.chunkDataSize,{uint8Array:i}=await Vc(Iu,t,[n],new Uint8Array(n),r[0],r[1],r[0]*r[1]*r[2],4,1,!1);await Hc(e,t,i)}),qp.set(`png16`,async(e,t,n)=>{let r=e.chunkDataSize,{uint8Array:i}=await Vc(Iu,t,[n],new Uint8Array(n),r[0],r[1],r[0]*r[1]*r[2],1,2,!1);await Hc(e,t,i)}),qp.set(`raw16`,(e,t,n)=>nu(e,t,n,W.BIG));let Jp=class extends Hr(tl,Up){chunkDecoder=qp.get(this.parameters.encoding);queryString=(()=>{let{parameters:e}=this,t=new URLSearchParams;e.channel!==void 0&&t.append(`channel`,e.channel);for(let[n,r]of Object.entries(e.renderArgs))t.append(n,r);return t.toString()})();async download(e,t){let{parameters:n}=this,{chunkGridPosition:r}=e,i=1/2**n.level;e.chunkDataSize=this.spec.chunkDataSize;let a=e.chunkDataSize[0]*2**n.level,o=e.chunkDataSize[1]*2**n.level,s=V();s[0]=r[0]*a,s[1]=r[1]*o,s[2]=r[2];let c;c=n.encoding===`raw16`?`raw16-image`:n.encoding===`png16`?`png16-image`:n.encoding===`png`?`png-image`:`jpeg-image`;let l=`/render-ws/v1/owner/${n.owner}/project/${n.project}/stack/${n.stack}/z/${s[2]}/box/${s[0]},${s[1]},${a},${o},${i}/${c}`,u=await js(`${n.baseUrl}${l}?${this.queryString}`,{signal:t});await this.chunkDecoder(e,t,await u.arrayBuffer())}};Jp=Kp([R()],Jp);
/**
* @license
* Copyright 2019 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const Yp=Ac(`parseVTKFromArrayBuffer`);
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
async function Xp(e,t){let n=await e.response.arrayBuffer();return Vc(Yp,t.signal,[n],n)}Mp(`vtk`,{description:`VTK`,getMesh:async(e,t,n)=>{let r=await Ud(e,t,Xp,n),i={info:{numTriangles:r.numTriangles,numVertices:r.numVertices,vertexAttributes:[]},indices:r.indices,vertexPositions:r.vertexPositions,vertexAttributes:[]};for(let e of r.vertexAttributes)i.info.vertexAttributes.push({name:e.name,dataType:U.FLOAT32,numComponents:e.numComponents}),i.vertexAttributes.push(e.data);return i}});
/**
* @license
* Copyright 2023 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var G=/* @__PURE__ */ (e=>(e[e.arrayToArray=0]=`arrayToArray`,e[e.arrayToBytes=1]=`arrayToBytes`,e[e.bytesToBytes=2]=`bytesToBytes`,e))(G||{});
/**
* @license
* Copyright 2023 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const Zp={[G.arrayToArray]:/* @__PURE__ */ new Map,[G.arrayToBytes]:/* @__PURE__ */ new Map,[G.bytesToBytes]:/* @__PURE__ */ new Map,sharding:/* @__PURE__ */ new Map};function Qp(e){e.kind===G.arrayToBytes&&`getShardedKvStore`in e?Zp.sharding.set(e.name,e):Zp[e.kind].set(e.name,e)}async function $p(e,t,n){let r=e[G.bytesToBytes];for(let e=r.length;e--;){let i=r[e],a=Zp[G.bytesToBytes].get(i.name);if(a===void 0)throw Error(`Unsupported codec: ${JSON.stringify(i.name)}`);t=await a.decode(i.configuration,t,n)}let i;{let r=e[G.arrayToBytes],a=Zp[G.arrayToBytes].get(r.name);if(a===void 0)throw Error(`Unsupported codec: ${JSON.stringify(r.name)}`);i=await a.decode(r.configuration,e.arrayInfo[e.arrayInfo.length-1],t,n)}let a=e[G.arrayToArray];for(let t=a.length;t--;){let r=a[t],o=Zp[G.arrayToArray].get(r.name);if(o===void 0)throw Error(`Unsupported codec: ${JSON.stringify(r.name)}`);i=await o.decode(r.configuration,e.arrayInfo[t],i,n)}return i}function em(e,t,n){let r=n.store,i=t;for(;;){let{shardingInfo:t}=i;if(t===void 0)break;let n=i[G.arrayToBytes],a=Zp.sharding.get(n.name);if(a===void 0)throw Error(`Unsupported codec: ${JSON.stringify(n.name)}`);r=a.getShardedKvStore(n.configuration,e,r),i=t.subChunkCodecs}let a=i,o=n.path;function s(e,n){let r=o+n,i=e.length,a=t;for(;a.shardingInfo!==void 0;){let{physicalToLogicalDimension:n,readChunkShape:o}=t.layoutInfo[t.layoutInfo.length-1],{subChunkShape:s,subChunkGridShape:c,subChunkCodecs:l}=a.shardingInfo,u=Array(i);for(let t=0;t<i;++t){let r=n[i-1-t];u[r]=Math.floor(e[t]*o[r]/s[r])%c[r]}r={base:r,subChunk:u},a=l}return r}return{kvStore:r,getChunkKey:s,decodeCodecs:a}}
/**
* @license
* Copyright 2023 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
/**
* @license
* Copyright 2023 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
/**
* @license
* Copyright 2023 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
/**
* @license
* Copyright 2023 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
Qp({name:`blosc`,kind:G.bytesToBytes,decode(e,t,n){return Vc(Zf,n,[t.buffer],t)}}),Qp({name:`zstd`,kind:G.bytesToBytes,decode(e,t,n){return Vc(Qf,n,[t.buffer],t)}}),Qp({name:`bytes`,kind:G.arrayToBytes,async decode(e,t,n,r){let{dataType:i,chunkShape:a}=t,o=a.reduce((e,t)=>e*t,1),s=ha[i],c=o*s;if(n.byteLength!==c)throw Error(`Raw-format chunk is ${n.byteLength} bytes, but ${o} * ${s} = ${c} bytes are expected.`);let l=_a(i,n.buffer,n.byteOffset,n.byteLength);return tc(l,e.endian,s),l}}),Qp({name:`crc32c`,kind:G.bytesToBytes,async decode(e,t,n){if(t.length<4)throw Error(`Expected buffer of size at least 4 bytes but received: ${t.length} bytes`);return t.subarray(0,t.length-4)}});
/**
* @license
* Copyright 2019 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var tm=class{url;metadata;static RPC_ID=`zarr/VolumeChunkSource`};
/**
* @license
* Copyright 2023 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
for(let[e,t]of[[`gzip`,`gzip`],[`zlib`,`deflate`]])Qp({name:e,kind:G.bytesToBytes,async decode(e,n,r){return new Uint8Array(await Wc(n,t,r))}});
/**
* @license
* Copyright 2023 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function nm(e,t,n){lr(e);let r=H(e,`name`,e=>t(dr(e)));return{name:r,configuration:H(e,`configuration`,e=>(e===void 0?e={}:lr(e),n(e,r)))}}
/**
* @license
* Copyright 2023 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function rm(e){let{name:t,configuration:n}=nm(e,e=>{let t=im.get(e);if(t===void 0)throw Error(`Unknown codec: ${JSON.stringify(e)}`);return t},e=>e);return{resolver:t,configuration:n}}const im=/* @__PURE__ */ new Map;function am(e){im.set(e.name,e)}function om(e,t){let n=[],r=[],i=[],a=[];r.push(t);let o=sr(e,rm),s=o.length,c=0;for(;c<s;++c){let{resolver:e,configuration:i}=o[c];if(e.kind!==G.arrayToArray)break;let{configuration:a,encodedArrayInfo:s}=e.resolve(i,t);r.push(s),t=s,n.push({kind:G.arrayToArray,name:e.name,configuration:a})}if(c===s||o[c].resolver.kind!==G.arrayToBytes)throw Error(`Missing array -> bytes codec`);let{codecSpec:l,layoutInfo:u,encodedSize:d,shardingInfo:f}=(()=>{let{resolver:e,configuration:n}=o[c],r=e,{configuration:i,shardingInfo:a,encodedSize:l}=r.resolve(n,t);if(a!==void 0&&c+1!==s)throw Error(`bytes -> bytes codecs not supported following sharding codec`);let u=r.getDecodedArrayLayoutInfo(i,t);return{codecSpec:{name:e.name,kind:G.arrayToBytes,configuration:i},layoutInfo:u,encodedSize:l,shardingInfo:a}})();i[c]=u,a.push(d);let p=d,m=[];for(++c;c<s;){let{resolver:e,configuration:t}=o[c];if(e.kind!==G.bytesToBytes)throw Error(`Expected bytes -> bytes codec, but received ${JSON.stringify(e.name)} of kind ${G[e.kind]}`);let{configuration:n,encodedSize:r}=e.resolve(t,p);m.push({name:e.name,kind:e.kind,configuration:n}),a.push(r),++c}for(let e=n.length-1;e>=0;--e)i[e]=o[e].resolver.getDecodedArrayLayoutInfo(n[e].configuration,r[e],i[e+1]);return{[G.arrayToArray]:n,[G.arrayToBytes]:l,[G.bytesToBytes]:m,arrayInfo:r,layoutInfo:i,shardingInfo:f,encodedSize:a}}
/**
* @license
* Copyright 2023 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var sm=/* @__PURE__ */ (e=>(e[e.DEFAULT=0]=`DEFAULT`,e[e.V2=1]=`V2`,e))(sm||{});
/**
* @license
* Copyright 2023 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function cm(e,t){return cr(Array(t),e,e=>{if(typeof e!=`number`||!Number.isInteger(e)||e<=0)throw Error(`Expected positive integer, but received: ${JSON.stringify(e)}`);return e})}const lm=/* @__PURE__ */ new Map([[``,{unit:``,scale:1}],[`angstrom`,{unit:`m`,scale:1e-10}],[`foot`,{unit:`m`,scale:.3048}],[`inch`,{unit:`m`,scale:.0254}],[`mile`,{unit:`m`,scale:1609.34}],[`parsec`,{unit:`m`,scale:0x6da012f95c9e88}],[`yard`,{unit:`m`,scale:.9144}],[`minute`,{unit:`s`,scale:60}],[`hour`,{unit:`s`,scale:3600}],[`day`,{unit:`s`,scale:86400}]]);for(let e of[`meter`,`second`])for(let t of Xi){let{longPrefix:n,prefix:r}=t;if(n===void 0)continue;let i={unit:e[0],scale:10**t.exponent};lm.set(`${n}${e}`,i),lm.set(`${r}${e[0]}`,i)}
/**
* @license
* Copyright 2023 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var um=/* @__PURE__ */ (e=>(e[e.START=0]=`START`,e[e.END=1]=`END`,e))(um||{});am({name:`sharding_indexed`,kind:G.arrayToBytes,resolve(e,t){lr(e);let n=H(e,`chunk_shape`,e=>cm(e,t.chunkShape.length)),r=pr(e,`index_location`,e=>mr(e,um,/^[a-z]+$/),1),i=Array.from(t.chunkShape,(e,r)=>{let i=n[r];if(e%i!==0)throw Error(`sub-chunk shape of ${JSON.stringify(i)} does not evenly divide outer chunk shape of ${JSON.stringify(t.chunkShape)}`);return e/i}),a=Array.from(i);a.push(2);let o=H(e,`index_codecs`,e=>om(e,{dataType:U.UINT64,chunkShape:a}));if(o.encodedSize[o.encodedSize.length-1]===void 0)throw Error(`index_codecs must specify fixed-size encoding`);let s=H(e,`codecs`,e=>om(e,{dataType:t.dataType,chunkShape:n}));return{configuration:{indexCodecs:o,subChunkCodecs:s,subChunkShape:n,subChunkGridShape:i,indexLocation:r},shardingInfo:{subChunkShape:n,subChunkGridShape:i,subChunkCodecs:s}}},getDecodedArrayLayoutInfo(e,t){return e.subChunkCodecs.layoutInfo[0]}});
/**
* @license
* Copyright 2023 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const dm=BigInt(`18446744073709551615`);function fm(e,t,n){return new Vd(e.addRef(),{get:async(e,r)=>{let{indexCodecs:i}=n,a=i.encodedSize[i.encodedSize.length-1],o;switch(n.indexLocation){case um.START:o={offset:0,length:a};break;case um.END:o={suffixLength:a}}let s=await t.read(e,{...r,byteRange:o});if(s===void 0)return{size:0,data:void 0};let c=await $p(n.indexCodecs,new Uint8Array(await s.response.arrayBuffer()),r.signal);return{size:c.byteLength,data:new BigUint64Array(c.buffer,c.byteOffset,c.byteLength/8)}}})}var pm=class extends it{constructor(e,t,n){super(),this.configuration=e,this.base=n,this.indexCache=this.registerDisposer(fm(t,n,e));let{subChunkGridShape:r}=this.configuration,i=r.length,a=this.configuration.indexCodecs.layoutInfo[0].physicalToLogicalDimension,o=this.indexStrides=Array(i+1),s=1;for(let e=i;e>=0;--e){let t=a[e];o[t]=s,s*=t===i?2:r[t]}}indexCache;indexStrides;async findKey(e,t){let n=await this.indexCache.get(e.base,t);if(n===void 0)return;let r=this.configuration.subChunkShape.length,{subChunk:i}=e,{indexStrides:a}=this,o=0;for(let e=0;e<r;++e){let t=i[e];o+=t*a[e]}let s=n[o],c=n[o+a[r]];if(s!==dm||c!==dm)return{offset:Number(s),length:Number(c)}}async stat(e,t){let n=await this.findKey(e,t);if(n!==void 0)return{totalSize:n.length}}async read(e,t){let n=await this.findKey(e,t);if(n!==void 0)return new ud(new oi(this.base,e.base),n).read(t)}getUrl(e){return`subchunk ${JSON.stringify(e.subChunk)} within shard ${this.base.getUrl(e.base)}`}get supportsOffsetReads(){return!0}get supportsSuffixReads(){return!0}};
/**
* @license
* Copyright 2023 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
Qp({name:`sharding_indexed`,kind:G.arrayToBytes,getShardedKvStore(e,t,n){return new pm(e,t,n)}}),Qp({name:`transpose`,kind:G.arrayToArray,async decode(e,t,n,r){return n}});var mm=Object.defineProperty,hm=Object.getOwnPropertyDescriptor,gm=(e,t,n,r)=>{for(var i=r>1?void 0:r?hm(t,n):t,a=e.length-1,o;a>=0;a--)(o=e[a])&&(i=(r?o(t,n,i):o(i))||i);return r&&i&&mm(t,n,i),i};
/**
* @license
* Copyright 2020 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
let _m=class extends Hr(Li(tl),tm){chunkKvStore=em(this.chunkManager,this.parameters.metadata.codecs,this.sharedKvStoreContext.kvStoreContext.getKvStore(this.parameters.url));async download(e,t){e.chunkDataSize=this.spec.chunkDataSize;let{parameters:n}=this,{chunkGridPosition:r}=e,{metadata:i}=n,a=``,o=this.spec.rank,{physicalToLogicalDimension:s}=i.codecs.layoutInfo[0],c;i.chunkKeyEncoding===sm.DEFAULT?(a+=`c`,c=i.dimensionSeparator):(c=``,o===0&&(a+=`0`));let l=Array(o),{readChunkShape:u}=i.codecs.layoutInfo[0],{chunkShape:d}=i;for(let e=0;e<o;++e){let t=s[o-1-e];l[t]=Math.floor(r[e]*u[t]/d[t])}for(let e=0;e<o;++e)a+=`${c}${l[e]}`,c=i.dimensionSeparator;let{chunkKvStore:f}=this,p=await f.kvStore.read(f.getChunkKey(r,a),{signal:t});p!==void 0&&await Hc(e,t,await $p(f.decodeCodecs,new Uint8Array(await p.response.arrayBuffer()),t))}};_m=gm([R()],_m);
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function vm(e){let t=e.match(/^([0-9]+)-([0-9]+)$/);if(t!==null){let e=Number(t[1]),n=Number(t[2]);if(n>=e)return{offset:e,length:n-e}}throw Error(`Invalid key ${JSON.stringify(e)} for "byte-range:", expected "<begin>-<end>"`)}var ym=class{constructor(e){this.base=e}getUrl(e){return this.base.getUrl()+`|byte-range:${e}`}async stat(e,t){let{length:n}=vm(e);return{totalSize:n}}async read(e,t){let n=vm(e);return new ud(this.base,n).read(t)}get supportsOffsetReads(){return!0}get supportsSuffixReads(){return!0}get singleKey(){return!0}};
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function bm(){return{scheme:`byte-range`,description:`byte range slicing`,getKvStore(e,t){return gi(e),{store:new ym(new oi(t.store,t.path)),path:e.suffix??``}}}}Ai.registerKvStoreAdapterProvider(bm);
/**
* @license
* Copyright 2024 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var xm=(e,t)=>(t=Symbol[e])?t:Symbol.for(`Symbol.`+e),Sm=e=>{throw TypeError(e)},Cm=(e,t,n)=>{if(t!=null){typeof t!=`object`&&typeof t!=`function`&&Sm(`Object expected`);var r,i;n&&(r=t[xm(`asyncDispose`)]),r===void 0&&(r=t[xm(`dispose`)],n&&(i=r)),typeof r!=`function`&&Sm(`Object not disposable`),i&&(r=function(){try{i.call(this)}catch(e){return Promise.reject(e)}}),e.push([n,r,t])}else n&&e.push([n]);return t},wm=(e,t,n)=>{var r=typeof SuppressedError==`function`?SuppressedError:function(e,t,n,r){return r=Error(n),r.name=`SuppressedError`,r.error=e,r.suppressed=t,r},i=e=>t=n?new r(e,t,`An error was suppressed during disposal`):(n=!0,e),a=r=>{for(;r=e.pop();)try{var o=r[1]&&r[1].call(r[2]);if(r[0])return Promise.resolve(o).then(a,e=>(i(e),a()))}catch(e){i(e)}if(n)throw t};return a()},Tm=class{constructor(e,t=`gs://${e}/`,n=js){this.bucket=e,this.baseUrlForDisplay=t,this.fetchOkImpl=n}getObjectUrl(e){return`https://storage.googleapis.com/storage/v1/b/${this.bucket}/o/${encodeURIComponent(e)}?alt=media&neuroglancer=${Ho()}`}stat(e,t){return vd(this,e,this.getObjectUrl(e),t,this.fetchOkImpl)}read(e,t){return hd(this,e,this.getObjectUrl(e),t,this.fetchOkImpl)}async list(e,t){var n=[];try{let{progressListener:r}=t;Cm(n,r===void 0?void 0:new mt(r,{message:`Listing prefix ${this.getUrl(e)}`}));let i=await(await this.fetchOkImpl(`https://storage.googleapis.com/storage/v1/b/${this.bucket}/o?delimiter=%2F&prefix=${encodeURIComponent(e)}&neuroglancerOrigin=${encodeURIComponent(location.origin)}`,{signal:t.signal,progressListener:t.progressListener})).json();return lr(i),{directories:pr(i,`prefixes`,hr,[]).map(e=>e.substring(0,e.length-1)),entries:pr(i,`items`,e=>sr(e,e=>(lr(e),H(e,`name`,dr))),[]).filter(e=>!e.endsWith(`_$folder$`)).map(e=>({key:e}))}}catch(e){var r=e,i=!0}finally{wm(n,r,i)}}getUrl(e){return this.baseUrlForDisplay+xi(e)}get supportsOffsetReads(){return!0}get supportsSuffixReads(){return!0}};
/**
* @license
* Copyright 2024 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function Em(e){return{scheme:`gs`,description:`Google Cloud Storage (anonymous)`,getKvStore(e){let t=(e.suffix??``).match(/^\/\/([^/]+)(\/.*)?$/);if(t===null)throw Error("Invalid URL, expected `gs://<bucket>/<path>`");let[,n,r]=t;return{store:new Tm(n),path:decodeURIComponent((r??``).substring(1))}}}}Ai.registerBaseKvStoreProvider(Em);
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var Dm=class{constructor(e,t,n){this.base=e,this.scheme=t,this.format=n}getUrl(e){return this.validatePath(e),this.base.getUrl()+`|${this.scheme}`}validatePath(e){if(e)throw Error(`"${this.scheme}:" does not support non-empty path ${JSON.stringify(e)}`)}async stat(e,t){return this.validatePath(e),await this.base.stat(t),{totalSize:void 0}}async read(e,t){return this.validatePath(e),new Wd(this.base,this.format).read(t)}get supportsOffsetReads(){return!1}get supportsSuffixReads(){return!1}get singleKey(){return!0}};async function Om(e){return Uc(e.prefix)?[{suffix:`gzip:`,description:`gzip-compressed`}]:[]}function km(e){e.registerFileFormat({prefixLength:3,suffixLength:0,match:Om})}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function Am(e,t){return{scheme:e,description:`transparent ${e} decoding`,getKvStore(n,r){return _i(n),{store:new Dm(new oi(r.store,r.path),e,t),path:``}}}}
/**
* @license
* Copyright 2024 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
Ai.registerKvStoreAdapterProvider(()=>Am(`gzip`,`gzip`)),km(Ai.autoDetectRegistry),Ot(`SharedKvStoreContext.stat`,async function(e,t){return{value:await this.get(e.sharedKvStoreContext).kvStoreContext.stat(e.url,t)}}),Ot(`SharedKvStoreContext.read`,async function(e,t){let n=await this.get(e.sharedKvStoreContext).kvStoreContext.read(e.url,{...t,byteRange:e.byteRange,throwIfMissing:e.throwIfMissing});if(n===void 0)return{value:void 0};let r=await n.response.arrayBuffer();return{value:{data:r,offset:n.offset,totalSize:n.totalSize},transfers:[r]}});function jm(e,t,n){return e.rpc.promiseInvoke(ji,{sharedKvStoreContext:e.rpcId,url:t},{signal:n.signal,progressListener:n.progressListener})}Ot(ji,async function(e,t){let{store:n,path:r}=this.get(e.sharedKvStoreContext).kvStoreContext.getKvStore(e.url);return{value:await n.list(r,t)}}),Ot(`SharedKvStoreContext.completeUrl`,async function(e,t){let{kvStoreContext:n}=this.get(e.sharedKvStoreContext),{url:r}=e,i=li(r),a;if(i===r){let e=di(i),r=n.getBaseKvStoreProvider(e);r.completeUrl!==void 0&&(a=await r.completeUrl({url:e,...t}))}else{let e=di(i),o=n.getKvStoreAdapterProvider(e),s=r.slice(0,r.length-i.length-1),c=n.getKvStore(s);o.completeUrl!==void 0&&(a=await o.completeUrl({url:e,base:c,...t}))}return{value:a}});
/**
* @license
* Copyright 2023 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var Mm=class extends yd{list(e,t){return jm(this.sharedKvStoreContext,this.getUrl(e),t)}};
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
xd(Ii,Mm);
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function Nm(e,t){let{nodes:n}=e,r=Nn(0,n.length,e=>n[e].path>=t),i=Nn(Math.min(n.length,r+1),n.length,e=>!n[e].path.startsWith(t)),a={entries:[],directories:[]};for(let e=r;e<i;){let{path:r}=n[e],o=r.indexOf(`/`,t.length);if(o===-1)++e;else{o+1===r.length&&a.directories.push(r.slice(0,o));let t=r.substring(0,o+1);e=Nn(e+1,i,e=>!n[e].path.startsWith(t))}}let o=t.lastIndexOf(`/`);if(`zarr.json`.startsWith(t.slice(o+1))){let e=t.substring(0,o+1);if(Mn(n,e,(e,t)=>ei(e,t.path))>=0)a.entries.push({key:e+`zarr.json`});else throw Error(`Parent node ${JSON.stringify(e)} not found`)}return si(a)}const Pm={lang:void 0,message:void 0,abortEarly:void 0,abortPipeEarly:void 0};/* @__NO_SIDE_EFFECTS__ */
function Fm(e){return e?{lang:e?.lang??void 0,message:e?.message,abortEarly:e?.abortEarly??void 0,abortPipeEarly:e?.abortPipeEarly??void 0}:Pm}/* @__NO_SIDE_EFFECTS__ */
function Im(e){let t=typeof e;return t===`string`?`"${e}"`:t===`number`||t===`bigint`||t===`boolean`?`${e}`:t===`object`||t===`function`?(e&&Object.getPrototypeOf(e)?.constructor?.name)??`null`:t}function Lm(e,t,n,r,i){let a=i&&`input`in i?i.input:n.value,o=i?.expected??e.expects??null,s=i?.received??/* @__PURE__ */ Im(a),c={kind:e.kind,type:e.type,input:a,expected:o,received:s,message:`Invalid ${t}: ${o?`Expected ${o} but r`:`R`}eceived ${s}`,requirement:e.requirement,path:i?.path,issues:i?.issues,lang:r.lang,abortEarly:r.abortEarly,abortPipeEarly:r.abortPipeEarly},l=e.kind===`schema`,u=i?.message??e.message??(e.reference,c.lang,void 0)??(l?(c.lang,void 0):null)??r.message??(c.lang,void 0);u!==void 0&&(c.message=typeof u==`function`?u(c):u),l&&(n.typed=!1),n.issues?n.issues.push(c):n.issues=[c]}/* @__NO_SIDE_EFFECTS__ */
function Rm(e,t){return Object.prototype.hasOwnProperty.call(e,t)&&t!==`__proto__`&&t!==`prototype`&&t!==`constructor`}/* @__NO_SIDE_EFFECTS__ */
function zm(e,t){let n=[...new Set(e)];return n.length>1?`(${n.join(` ${t} `)})`:n[0]??`never`}function Bm(e){return e[`~standard`]={version:1,vendor:`valibot`,validate:t=>e[`~run`]({value:t},/* @__PURE__ */ Fm())},e}/* @__NO_SIDE_EFFECTS__ */
function Vm(e){if(e.path){let t=``;for(let n of e.path)if(typeof n.key==`string`||typeof n.key==`number`)t+=t?`.${n.key}`:n.key;else return null;return t}return null}var Hm=class extends Error{constructor(e){super(e[0].message),this.name=`ValiError`,this.issues=e}};/* @__NO_SIDE_EFFECTS__ */
function Um(e){return e instanceof Hm}/* @__NO_SIDE_EFFECTS__ */
function Wm(e,t){return{kind:`validation`,type:`check`,reference:Wm,async:!1,expects:null,requirement:e,message:t,"~run"(e,t){return e.typed&&!this.requirement(e.value)&&Lm(this,`input`,e,t),e}}}/* @__NO_SIDE_EFFECTS__ */
function Gm(e){return{kind:`validation`,type:`integer`,reference:Gm,async:!1,expects:null,requirement:Number.isInteger,message:e,"~run"(e,t){return e.typed&&!this.requirement(e.value)&&Lm(this,`integer`,e,t),e}}}/* @__NO_SIDE_EFFECTS__ */
function Km(e,t){return{kind:`validation`,type:`length`,reference:Km,async:!1,expects:`${e}`,requirement:e,message:t,"~run"(e,t){return e.typed&&e.value.length!==this.requirement&&Lm(this,`length`,e,t,{received:`${e.value.length}`}),e}}}/* @__NO_SIDE_EFFECTS__ */
function qm(e){return{kind:`transformation`,type:`transform`,reference:qm,async:!1,operation:e,"~run"(e){return e.value=this.operation(e.value),e}}}/* @__NO_SIDE_EFFECTS__ */
function Jm(e,t,n){return typeof e.fallback==`function`?e.fallback(t,n):e.fallback}/* @__NO_SIDE_EFFECTS__ */
function Ym(e){let t={};for(let n of e)if(n.path){let e=/* @__PURE__ */ Vm(n);e?(t.nested||={},Object.prototype.hasOwnProperty.call(t.nested,e)?t.nested[e].push(n.message):t.nested[e]=[n.message]):t.other?t.other.push(n.message):t.other=[n.message]}else t.root?t.root.push(n.message):t.root=[n.message];return t}/* @__NO_SIDE_EFFECTS__ */
function Xm(e,t,n){return typeof e.default==`function`?e.default(t,n):e.default}/* @__NO_SIDE_EFFECTS__ */
function Zm(){return Bm({kind:`schema`,type:`any`,reference:Zm,expects:`any`,async:!1,"~run"(e){return e.typed=!0,e}})}/* @__NO_SIDE_EFFECTS__ */
function Qm(e,t){return Bm({kind:`schema`,type:`array`,reference:Qm,expects:`Array`,async:!1,item:e,message:t,"~run"(e,t){let n=e.value;if(Array.isArray(n)){e.typed=!0,e.value=[];for(let r=0;r<n.length;r++){let i=n[r],a=this.item[`~run`]({value:i},t);if(a.issues){let o={type:`array`,origin:`value`,input:n,key:r,value:i};for(let t of a.issues)t.path?t.path.unshift(o):t.path=[o],e.issues?.push(t);if(e.issues||=a.issues,t.abortEarly){e.typed=!1;break}}a.typed||(e.typed=!1),e.value.push(a.value)}}else Lm(this,`type`,e,t);return e}})}/* @__NO_SIDE_EFFECTS__ */
function $m(e){return Bm({kind:`schema`,type:`bigint`,reference:$m,expects:`bigint`,async:!1,message:e,"~run"(e,t){return typeof e.value==`bigint`?e.typed=!0:Lm(this,`type`,e,t),e}})}/* @__NO_SIDE_EFFECTS__ */
function eh(e,t){return Bm({kind:`schema`,type:`instance`,reference:eh,expects:e.name,async:!1,class:e,message:t,"~run"(e,t){return e.value instanceof this.class?e.typed=!0:Lm(this,`type`,e,t),e}})}/* @__NO_SIDE_EFFECTS__ */
function th(e,t,n){return Bm({kind:`schema`,type:`map`,reference:th,expects:`Map`,async:!1,key:e,value:t,message:n,"~run"(e,t){let n=e.value;if(n instanceof Map){e.typed=!0,e.value=/* @__PURE__ */ new Map;for(let[r,i]of n){let a=this.key[`~run`]({value:r},t);if(a.issues){let o={type:`map`,origin:`key`,input:n,key:r,value:i};for(let t of a.issues)t.path?t.path.unshift(o):t.path=[o],e.issues?.push(t);if(e.issues||=a.issues,t.abortEarly){e.typed=!1;break}}let o=this.value[`~run`]({value:i},t);if(o.issues){let a={type:`map`,origin:`value`,input:n,key:r,value:i};for(let t of o.issues)t.path?t.path.unshift(a):t.path=[a],e.issues?.push(t);if(e.issues||=o.issues,t.abortEarly){e.typed=!1;break}}a.typed&&o.typed||(e.typed=!1),e.value.set(a.value,o.value)}}else Lm(this,`type`,e,t);return e}})}/* @__NO_SIDE_EFFECTS__ */
function nh(e,t){return Bm({kind:`schema`,type:`nullable`,reference:nh,expects:`(${e.expects} | null)`,async:!1,wrapped:e,default:t,"~run"(e,t){return e.value===null&&(this.default!==void 0&&(e.value=/* @__PURE__ */ Xm(this,e,t)),e.value===null)?(e.typed=!0,e):this.wrapped[`~run`](e,t)}})}/* @__NO_SIDE_EFFECTS__ */
function rh(e){return Bm({kind:`schema`,type:`number`,reference:rh,expects:`number`,async:!1,message:e,"~run"(e,t){return typeof e.value==`number`&&!isNaN(e.value)?e.typed=!0:Lm(this,`type`,e,t),e}})}/* @__NO_SIDE_EFFECTS__ */
function ih(e,t){return Bm({kind:`schema`,type:`picklist`,reference:ih,expects:/* @__PURE__ */ zm(e.map(Im),`|`),async:!1,options:e,message:t,"~run"(e,t){return this.options.includes(e.value)?e.typed=!0:Lm(this,`type`,e,t),e}})}/* @__NO_SIDE_EFFECTS__ */
function ah(e,t,n){return Bm({kind:`schema`,type:`record`,reference:ah,expects:`Object`,async:!1,key:e,value:t,message:n,"~run"(e,t){let n=e.value;if(n&&typeof n==`object`){e.typed=!0,e.value={};for(let r in n)if(/* @__PURE__ */ Rm(n,r)){let i=n[r],a=this.key[`~run`]({value:r},t);if(a.issues){let o={type:`object`,origin:`key`,input:n,key:r,value:i};for(let t of a.issues)t.path=[o],e.issues?.push(t);if(e.issues||=a.issues,t.abortEarly){e.typed=!1;break}}let o=this.value[`~run`]({value:i},t);if(o.issues){let a={type:`object`,origin:`value`,input:n,key:r,value:i};for(let t of o.issues)t.path?t.path.unshift(a):t.path=[a],e.issues?.push(t);if(e.issues||=o.issues,t.abortEarly){e.typed=!1;break}}a.typed&&o.typed||(e.typed=!1),a.typed&&(e.value[a.value]=o.value)}}else Lm(this,`type`,e,t);return e}})}/* @__NO_SIDE_EFFECTS__ */
function oh(e,t){return Bm({kind:`schema`,type:`strict_object`,reference:oh,expects:`Object`,async:!1,entries:e,message:t,"~run"(e,t){let n=e.value;if(n&&typeof n==`object`){e.typed=!0,e.value={};for(let r in this.entries){let i=this.entries[r];if(r in n||(i.type===`exact_optional`||i.type===`optional`||i.type===`nullish`)&&i.default!==void 0){let a=r in n?n[r]:/* @__PURE__ */ Xm(i),o=i[`~run`]({value:a},t);if(o.issues){let i={type:`object`,origin:`value`,input:n,key:r,value:a};for(let t of o.issues)t.path?t.path.unshift(i):t.path=[i],e.issues?.push(t);if(e.issues||=o.issues,t.abortEarly){e.typed=!1;break}}o.typed||(e.typed=!1),e.value[r]=o.value}else if(i.fallback!==void 0)e.value[r]=/* @__PURE__ */ Jm(i);else if(i.type!==`exact_optional`&&i.type!==`optional`&&i.type!==`nullish`&&(Lm(this,`key`,e,t,{input:void 0,expected:`"${r}"`,path:[{type:`object`,origin:`key`,input:n,key:r,value:n[r]}]}),t.abortEarly))break}if(!e.issues||!t.abortEarly){for(let r in n)if(!Object.prototype.hasOwnProperty.call(this.entries,r)){Lm(this,`key`,e,t,{input:r,expected:`never`,path:[{type:`object`,origin:`key`,input:n,key:r,value:n[r]}]});break}}}else Lm(this,`type`,e,t);return e}})}/* @__NO_SIDE_EFFECTS__ */
function sh(e,t){return Bm({kind:`schema`,type:`strict_tuple`,reference:sh,expects:`Array`,async:!1,items:e,message:t,"~run"(e,t){let n=e.value;if(Array.isArray(n)){e.typed=!0,e.value=[];for(let r=0;r<this.items.length;r++){let i=n[r],a=this.items[r][`~run`]({value:i},t);if(a.issues){let o={type:`array`,origin:`value`,input:n,key:r,value:i};for(let t of a.issues)t.path?t.path.unshift(o):t.path=[o],e.issues?.push(t);if(e.issues||=a.issues,t.abortEarly){e.typed=!1;break}}a.typed||(e.typed=!1),e.value.push(a.value)}!(e.issues&&t.abortEarly)&&this.items.length<n.length&&Lm(this,`type`,e,t,{input:n[this.items.length],expected:`never`,path:[{type:`array`,origin:`value`,input:n,key:this.items.length,value:n[this.items.length]}]})}else Lm(this,`type`,e,t);return e}})}/* @__NO_SIDE_EFFECTS__ */
function ch(e){return Bm({kind:`schema`,type:`string`,reference:ch,expects:`string`,async:!1,message:e,"~run"(e,t){return typeof e.value==`string`?e.typed=!0:Lm(this,`type`,e,t),e}})}/* @__NO_SIDE_EFFECTS__ */
function lh(e,t){return Bm({kind:`schema`,type:`tuple`,reference:lh,expects:`Array`,async:!1,items:e,message:t,"~run"(e,t){let n=e.value;if(Array.isArray(n)){e.typed=!0,e.value=[];for(let r=0;r<this.items.length;r++){let i=n[r],a=this.items[r][`~run`]({value:i},t);if(a.issues){let o={type:`array`,origin:`value`,input:n,key:r,value:i};for(let t of a.issues)t.path?t.path.unshift(o):t.path=[o],e.issues?.push(t);if(e.issues||=a.issues,t.abortEarly){e.typed=!1;break}}a.typed||(e.typed=!1),e.value.push(a.value)}}else Lm(this,`type`,e,t);return e}})}/* @__NO_SIDE_EFFECTS__ */
function uh(e){let t;if(e)for(let n of e)if(t)for(let e of n.issues)t.push(e);else t=n.issues;return t}/* @__NO_SIDE_EFFECTS__ */
function dh(e,t){return Bm({kind:`schema`,type:`union`,reference:dh,expects:/* @__PURE__ */ zm(e.map(e=>e.expects),`|`),async:!1,options:e,message:t,"~run"(e,t){let n,r,i;for(let a of this.options){let o=a[`~run`]({value:e.value},t);if(o.typed){if(o.issues)r?r.push(o):r=[o];else{n=o;break}}else i?i.push(o):i=[o]}if(n)return n;if(r){if(r.length===1)return r[0];Lm(this,`type`,e,t,{issues:/* @__PURE__ */ uh(r)}),e.typed=!0}else if(i?.length===1)return i[0];else Lm(this,`type`,e,t,{issues:/* @__PURE__ */ uh(i)});return e}})}function fh(e,t,n){let r=e[`~run`]({value:t},/* @__PURE__ */ Fm(n));if(r.issues)throw new Hm(r.issues);return r.value}/* @__NO_SIDE_EFFECTS__ */
function ph(...e){return Bm({...e[0],pipe:e,"~run"(t,n){for(let r of e)if(r.kind!==`metadata`){if(t.issues&&(r.kind===`schema`||r.kind===`transformation`)){t.typed=!1;break}t.issues&&(n.abortEarly||n.abortPipeEarly)||(t=r[`~run`](t,n))}return t}})}var mh;try{mh=new TextDecoder}catch{}var K,hh,q=0;const gh=[];var _h=gh,vh=0,J={},Y,yh,bh=0,xh=0,Sh,Ch,wh=[],X,Th={useRecords:!1,mapsAsObjects:!0},Eh=class{};const Dh=new Eh;Dh.name=`MessagePack 0xC1`;var Oh=!1,kh=2,Ah=class e{constructor(e){e&&(e.useRecords===!1&&e.mapsAsObjects===void 0&&(e.mapsAsObjects=!0),e.sequential&&e.trusted!==!1&&(e.trusted=!0,!e.structures&&e.useRecords!=0&&(e.structures=[],e.maxSharedStructures||=0)),e.structures?e.structures.sharedLength=e.structures.length:e.getStructures&&((e.structures=[]).uninitialized=!0,e.structures.sharedLength=0),e.int64AsNumber&&(e.int64AsType=`number`)),Object.assign(this,e)}unpack(t,n){if(K)return ag(()=>(og(),this?this.unpack(t,n):e.prototype.unpack.call(Th,t,n)));!t.buffer&&t.constructor===ArrayBuffer&&(t=typeof Buffer<`u`?Buffer.from(t):new Uint8Array(t)),typeof n==`object`?(hh=n.end||t.length,q=n.start||0):(q=0,hh=n>-1?n:t.length),vh=0,xh=0,yh=null,_h=gh,Sh=null,K=t;try{X=t.dataView||(t.dataView=new DataView(t.buffer,t.byteOffset,t.byteLength))}catch(e){throw K=null,t instanceof Uint8Array?e:Error(`Source must be a Uint8Array or Buffer but was a `+(t&&typeof t==`object`?t.constructor.name:typeof t))}if(this instanceof e){if(J=this,this.structures)return Y=this.structures,jh(n);(!Y||Y.length>0)&&(Y=[])}else J=Th,(!Y||Y.length>0)&&(Y=[]);return jh(n)}unpackMultiple(e,t){let n,r=0;try{Oh=!0;let i=e.length,a=this?this.unpack(e,i):cg.unpack(e,i);if(t){if(t(a,r,q)===!1)return;for(;q<i;)if(r=q,t(jh(),r,q)===!1)return}else{for(n=[a];q<i;)r=q,n.push(jh());return n}}catch(e){throw e.lastPosition=r,e.values=n,e}finally{Oh=!1,og()}}_mergeStructures(e,t){e||=[],Object.isFrozen(e)&&(e=e.map(e=>e.slice(0)));for(let t=0,n=e.length;t<n;t++){let n=e[t];n&&(n.isShared=!0,t>=32&&(n.highByte=t-32>>5))}e.sharedLength=e.length;for(let n in t||[])if(n>=0){let r=e[n],i=t[n];i&&(r&&((e.restoreStructures||(e.restoreStructures=[]))[n]=r),e[n]=i)}return this.structures=e}decode(e,t){return this.unpack(e,t)}};function jh(e){try{if(!J.trusted&&!Oh){let e=Y.sharedLength||0;e<Y.length&&(Y.length=e)}let e;if(J.randomAccessStructure&&K[q]<64&&K[q],e=Nh(),Sh&&=(q=Sh.postBundlePosition,null),Oh&&(Y.restoreStructures=null),q==hh)Y&&Y.restoreStructures&&Mh(),Y=null,K=null,Ch&&=null;else if(q>hh)throw Error(`Unexpected end of MessagePack data`);else if(!Oh){let t;try{t=JSON.stringify(e,(e,t)=>typeof t==`bigint`?`${t}n`:t).slice(0,100)}catch(e){t=`(JSON view not available `+e+`)`}throw Error(`Data read, but end of buffer not reached `+t)}return e}catch(e){throw Y&&Y.restoreStructures&&Mh(),og(),(e instanceof RangeError||e.message.startsWith(`Unexpected end of buffer`)||q>hh)&&(e.incomplete=!0),e}}function Mh(){for(let e in Y.restoreStructures)Y[e]=Y.restoreStructures[e];Y.restoreStructures=null}function Nh(){let e=K[q++];if(e<160){if(e<128){if(e<64)return e;{let t=Y[e&63]||J.getStructures&&Lh()[e&63];return t?(t.read||=Fh(t,e&63),t.read()):e}}if(e<144){if(e-=128,J.mapsAsObjects){let t={};for(let n=0;n<e;n++){let e=Qh();e===`__proto__`&&(e=`__proto_`),t[e]=Nh()}return t}{let t=/* @__PURE__ */ new Map;for(let n=0;n<e;n++)t.set(Nh(),Nh());return t}}{e-=144;let t=Array(e);for(let n=0;n<e;n++)t[n]=Nh();return J.freezeData?Object.freeze(t):t}}if(e<192){let t=e-160;if(xh>=q)return yh.slice(q-bh,(q+=t)-bh);if(xh==0&&hh<140){let e=t<16?qh(t):Kh(t);if(e!=null)return e}return Rh(t)}{let t;switch(e){case 192:return null;case 193:return Sh?(t=Nh(),t>0?Sh[1].slice(Sh.position1,Sh.position1+=t):Sh[0].slice(Sh.position0,Sh.position0-=t)):Dh;case 194:return!1;case 195:return!0;case 196:if(t=K[q++],t===void 0)throw Error(`Unexpected end of buffer`);return Yh(t);case 197:return t=X.getUint16(q),q+=2,Yh(t);case 198:return t=X.getUint32(q),q+=4,Yh(t);case 199:return Xh(K[q++]);case 200:return t=X.getUint16(q),q+=2,Xh(t);case 201:return t=X.getUint32(q),q+=4,Xh(t);case 202:if(t=X.getFloat32(q),J.useFloat32>2){let e=sg[(K[q]&127)<<1|K[q+1]>>7];return q+=4,(e*t+(t>0?.5:-.5)|0)/e}return q+=4,t;case 203:return t=X.getFloat64(q),q+=8,t;case 204:return K[q++];case 205:return t=X.getUint16(q),q+=2,t;case 206:return t=X.getUint32(q),q+=4,t;case 207:return J.int64AsType===`number`?(t=X.getUint32(q)*4294967296,t+=X.getUint32(q+4)):J.int64AsType===`string`?t=X.getBigUint64(q).toString():J.int64AsType===`auto`?(t=X.getBigUint64(q),t<=BigInt(2)<<BigInt(52)&&(t=Number(t))):t=X.getBigUint64(q),q+=8,t;case 208:return X.getInt8(q++);case 209:return t=X.getInt16(q),q+=2,t;case 210:return t=X.getInt32(q),q+=4,t;case 211:return J.int64AsType===`number`?(t=X.getInt32(q)*4294967296,t+=X.getUint32(q+4)):J.int64AsType===`string`?t=X.getBigInt64(q).toString():J.int64AsType===`auto`?(t=X.getBigInt64(q),t>=BigInt(-2)<<BigInt(52)&&t<=BigInt(2)<<BigInt(52)&&(t=Number(t))):t=X.getBigInt64(q),q+=8,t;case 212:if(t=K[q++],t==114)return eg(K[q++]&63);{let e=wh[t];if(e)return e.read?(q++,e.read(Nh())):e.noBuffer?(q++,e()):e(K.subarray(q,++q));throw Error(`Unknown extension `+t)}case 213:return t=K[q],t==114?(q++,eg(K[q++]&63,K[q++])):Xh(2);case 214:return Xh(4);case 215:return Xh(8);case 216:return Xh(16);case 217:return t=K[q++],xh>=q?yh.slice(q-bh,(q+=t)-bh):zh(t);case 218:return t=X.getUint16(q),q+=2,xh>=q?yh.slice(q-bh,(q+=t)-bh):Bh(t);case 219:return t=X.getUint32(q),q+=4,xh>=q?yh.slice(q-bh,(q+=t)-bh):Vh(t);case 220:return t=X.getUint16(q),q+=2,Uh(t);case 221:return t=X.getUint32(q),q+=4,Uh(t);case 222:return t=X.getUint16(q),q+=2,Wh(t);case 223:return t=X.getUint32(q),q+=4,Wh(t);default:if(e>=224)return e-256;if(e===void 0){let e=/* @__PURE__ */ Error(`Unexpected end of MessagePack data`);throw e.incomplete=!0,e}throw Error(`Unknown MessagePack token `+e)}}}const Ph=/^[a-zA-Z_$][a-zA-Z\d_$]*$/;function Fh(e,t){function n(){if(n.count++>kh){let r;try{r=e.read=Function(`r`,`return function(){return `+(J.freezeData?`Object.freeze`:``)+`({`+e.map(e=>e===`__proto__`?`__proto_:r()`:Ph.test(e)?e+`:r()`:`[`+JSON.stringify(e)+`]:r()`).join(`,`)+`})}`)(Nh)}catch{return kh=1/0,n()}return e.read0=r,e.highByte===0&&(e.read=Ih(t,e.read)),r()}let r={};for(let t=0,n=e.length;t<n;t++){let n=e[t];n===`__proto__`&&(n=`__proto_`),r[n]=Nh()}return J.freezeData?Object.freeze(r):r}return n.count=0,e.read0=n,e.highByte===0?Ih(t,n):n}const Ih=(e,t)=>function(){let n=K[q++];if(n===0)return t();let r=e<32?-(e+(n<<5)):e+(n<<5),i=Y[r]||Lh()[r];if(!i)throw Error(`Record id is not defined for `+r);return i.read||=Fh(i,e),i.read()};function Lh(){let e=ag(()=>(K=null,J.getStructures()));return Y=J._mergeStructures(e,Y)}var Rh=Hh,zh=Hh,Bh=Hh,Vh=Hh;function Hh(e){let t;if(e<16&&(t=qh(e)))return t;if(e>64&&mh)return mh.decode(K.subarray(q,q+=e));let n=q+e,r=[];for(t=``;q<n;){let e=K[q++];if(!(e&128))r.push(e);else if((e&224)==192){let t=K[q++]&63,n=(e&31)<<6|t;n<128?r.push(65533):r.push(n)}else if((e&240)==224){let t=K[q++]&63,n=K[q++]&63,i=(e&31)<<12|t<<6|n;i<2048||i>=55296&&i<=57343?r.push(65533):r.push(i)}else if((e&248)==240){let t=K[q++]&63,n=K[q++]&63,i=K[q++]&63,a=(e&7)<<18|t<<12|n<<6|i;a<65536||a>1114111?r.push(65533):(a>65535&&(a-=65536,r.push(a>>>10&1023|55296),a=56320|a&1023),r.push(a))}else r.push(65533);r.length>=4096&&(t+=Gh.apply(String,r),r.length=0)}return r.length>0&&(t+=Gh.apply(String,r)),t}function Uh(e){let t=Array(e);for(let n=0;n<e;n++)t[n]=Nh();return J.freezeData?Object.freeze(t):t}function Wh(e){if(J.mapsAsObjects){let t={};for(let n=0;n<e;n++){let e=Qh();e===`__proto__`&&(e=`__proto_`),t[e]=Nh()}return t}{let t=/* @__PURE__ */ new Map;for(let n=0;n<e;n++)t.set(Nh(),Nh());return t}}var Gh=String.fromCharCode;function Kh(e){let t=q,n=Array(e);for(let r=0;r<e;r++){let e=K[q++];if((e&128)>0){q=t;return}n[r]=e}return Gh.apply(String,n)}function qh(e){if(e<4){if(e<2){if(e===0)return``;{let e=K[q++];if((e&128)>1){--q;return}return Gh(e)}}{let t=K[q++],n=K[q++];if((t&128)>0||(n&128)>0){q-=2;return}if(e<3)return Gh(t,n);let r=K[q++];if((r&128)>0){q-=3;return}return Gh(t,n,r)}}{let t=K[q++],n=K[q++],r=K[q++],i=K[q++];if((t&128)>0||(n&128)>0||(r&128)>0||(i&128)>0){q-=4;return}if(e<6){if(e===4)return Gh(t,n,r,i);{let e=K[q++];if((e&128)>0){q-=5;return}return Gh(t,n,r,i,e)}}if(e<8){let a=K[q++],o=K[q++];if((a&128)>0||(o&128)>0){q-=6;return}if(e<7)return Gh(t,n,r,i,a,o);let s=K[q++];if((s&128)>0){q-=7;return}return Gh(t,n,r,i,a,o,s)}{let a=K[q++],o=K[q++],s=K[q++],c=K[q++];if((a&128)>0||(o&128)>0||(s&128)>0||(c&128)>0){q-=8;return}if(e<10){if(e===8)return Gh(t,n,r,i,a,o,s,c);{let e=K[q++];if((e&128)>0){q-=9;return}return Gh(t,n,r,i,a,o,s,c,e)}}if(e<12){let l=K[q++],u=K[q++];if((l&128)>0||(u&128)>0){q-=10;return}if(e<11)return Gh(t,n,r,i,a,o,s,c,l,u);let d=K[q++];if((d&128)>0){q-=11;return}return Gh(t,n,r,i,a,o,s,c,l,u,d)}{let l=K[q++],u=K[q++],d=K[q++],f=K[q++];if((l&128)>0||(u&128)>0||(d&128)>0||(f&128)>0){q-=12;return}if(e<14){if(e===12)return Gh(t,n,r,i,a,o,s,c,l,u,d,f);{let e=K[q++];if((e&128)>0){q-=13;return}return Gh(t,n,r,i,a,o,s,c,l,u,d,f,e)}}{let p=K[q++],m=K[q++];if((p&128)>0||(m&128)>0){q-=14;return}if(e<15)return Gh(t,n,r,i,a,o,s,c,l,u,d,f,p,m);let h=K[q++];if((h&128)>0){q-=15;return}return Gh(t,n,r,i,a,o,s,c,l,u,d,f,p,m,h)}}}}}function Jh(){let e=K[q++],t;if(e<192)t=e-160;else switch(e){case 217:t=K[q++];break;case 218:t=X.getUint16(q),q+=2;break;case 219:t=X.getUint32(q),q+=4;break;default:throw Error(`Expected string`)}return Hh(t)}function Yh(e){return J.copyBuffers?Uint8Array.prototype.slice.call(K,q,q+=e):K.subarray(q,q+=e)}function Xh(e){let t=K[q++];if(wh[t]){let n;return wh[t](K.subarray(q,n=q+=e),e=>{q=e;try{return Nh()}finally{q=n}})}throw Error(`Unknown extension type `+t)}var Zh=Array(4096);function Qh(){let e=K[q++];if(e>=160&&e<192){if(e-=160,xh>=q)return yh.slice(q-bh,(q+=e)-bh);if(!(xh==0&&hh<180))return Rh(e)}else return q--,$h(Nh());let t=(e<<5^(e>1?X.getUint16(q):e>0?K[q]:0))&4095,n=Zh[t],r=q,i=q+e-3,a,o=0;if(n&&n.bytes==e){for(;r<i;){if(a=X.getUint32(r),a!=n[o++]){r=1879048192;break}r+=4}for(i+=3;r<i;)if(a=K[r++],a!=n[o++]){r=1879048192;break}if(r===i)return q=r,n.string;i-=3,r=q}for(n=[],Zh[t]=n,n.bytes=e;r<i;)a=X.getUint32(r),n.push(a),r+=4;for(i+=3;r<i;)a=K[r++],n.push(a);let s=e<16?qh(e):Kh(e);return s==null?n.string=Rh(e):n.string=s}function $h(e){if(typeof e==`string`)return e;if(typeof e==`number`||typeof e==`boolean`||typeof e==`bigint`)return e.toString();if(e==null)return e+``;if(J.allowArraysInMapKeys&&Array.isArray(e)&&e.flat().every(e=>[`string`,`number`,`boolean`,`bigint`].includes(typeof e)))return e.flat().toString();throw Error(`Invalid property type for record: ${typeof e}`)}const eg=(e,t)=>{let n=Nh().map($h),r=e;t!==void 0&&(e=e<32?-((t<<5)+e):(t<<5)+e,n.highByte=t);let i=Y[e];return i&&(i.isShared||Oh)&&((Y.restoreStructures||(Y.restoreStructures=[]))[e]=i),Y[e]=n,n.read=Fh(n,r),(n.read0||n.read)()};wh[0]=()=>{},wh[0].noBuffer=!0,wh[66]=e=>{let t=e.byteLength%8||8,n=BigInt(e[0]&128?e[0]-256:e[0]);for(let r=1;r<t;r++)n<<=BigInt(8),n+=BigInt(e[r]);if(e.byteLength!==t){let r=new DataView(e.buffer,e.byteOffset,e.byteLength),i=(e,t)=>{let n=t-e;if(n<=40){let n=r.getBigUint64(e);for(let i=e+8;i<t;i+=8)n<<=BigInt(64),n|=r.getBigUint64(i);return n}let a=e+(n>>4<<3),o=i(e,a),s=i(a,t);return o<<BigInt((t-a)*8)|s};n=n<<BigInt((r.byteLength-t)*8)|i(t,r.byteLength)}return n};let tg={Error,EvalError,RangeError,ReferenceError,SyntaxError,TypeError,URIError,AggregateError:typeof AggregateError==`function`?AggregateError:null};wh[101]=()=>{let e=Nh();if(!tg[e[0]]){let t=Error(e[1],{cause:e[2]});return t.name=e[0],t}return tg[e[0]](e[1],{cause:e[2]})},wh[105]=e=>{if(J.structuredClone===!1)throw Error(`Structured clone extension is disabled`);let t=X.getUint32(q-4);Ch||=/* @__PURE__ */ new Map;let n=K[q],r;r=n>=144&&n<160||n==220||n==221?[]:n>=128&&n<144||n==222||n==223?/* @__PURE__ */ new Map:(n>=199&&n<=201||n>=212&&n<=216)&&K[q+1]===115?/* @__PURE__ */ new Set:{};let i={target:r};Ch.set(t,i);let a=Nh();if(i.used)Object.assign(r,a);else return i.target=a;if(r instanceof Map)for(let[e,t]of a.entries())r.set(e,t);if(r instanceof Set)for(let e of Array.from(a))r.add(e);return r},wh[112]=e=>{if(J.structuredClone===!1)throw Error(`Structured clone extension is disabled`);let t=X.getUint32(q-4),n=Ch.get(t);return n.used=!0,n.target},wh[115]=()=>new Set(Nh());const ng=[`Int8`,`Uint8`,`Uint8Clamped`,`Int16`,`Uint16`,`Int32`,`Uint32`,`Float32`,`Float64`,`BigInt64`,`BigUint64`].map(e=>e+`Array`);let rg=typeof globalThis==`object`?globalThis:window;wh[116]=e=>{let t=e[0],n=Uint8Array.prototype.slice.call(e,1).buffer,r=ng[t];if(!r){if(t===16)return n;if(t===17)return new DataView(n);throw Error(`Could not find typed array for code `+t)}return new rg[r](n)},wh[120]=()=>{let e=Nh();return new RegExp(e[0],e[1])};const ig=[];wh[98]=e=>{let t=(e[0]<<24)+(e[1]<<16)+(e[2]<<8)+e[3],n=q;return q+=t-e.length,Sh=ig,Sh=[Jh(),Jh()],Sh.position0=0,Sh.position1=0,Sh.postBundlePosition=q,q=n,Nh()},wh[255]=e=>e.length==4?/* @__PURE__ */ new Date((e[0]*16777216+(e[1]<<16)+(e[2]<<8)+e[3])*1e3):e.length==8?/* @__PURE__ */ new Date(((e[0]<<22)+(e[1]<<14)+(e[2]<<6)+(e[3]>>2))/1e6+((e[3]&3)*4294967296+e[4]*16777216+(e[5]<<16)+(e[6]<<8)+e[7])*1e3):e.length==12?/* @__PURE__ */ new Date(((e[0]<<24)+(e[1]<<16)+(e[2]<<8)+e[3])/1e6+((e[4]&128?-281474976710656:0)+e[6]*1099511627776+e[7]*4294967296+e[8]*16777216+(e[9]<<16)+(e[10]<<8)+e[11])*1e3):/* @__PURE__ */ new Date(`invalid`);function ag(e){let t=hh,n=q,r=vh,i=bh,a=xh,o=yh,s=_h,c=Ch,l=Sh,u=new Uint8Array(K.slice(0,hh)),d=Y,f=Y.slice(0,Y.length),p=J,m=Oh,h=e();return hh=t,q=n,vh=r,bh=i,xh=a,yh=o,_h=s,Ch=c,Sh=l,K=u,Oh=m,Y=d,Y.splice(0,Y.length,...f),J=p,X=new DataView(K.buffer,K.byteOffset,K.byteLength),h}function og(){K=null,Ch=null,Y=null}const sg=Array(147);for(let e=0;e<256;e++)sg[e]=+(`1e`+Math.floor(45.15-e*.30103));var cg=new Ah({useRecords:!1});cg.unpack,cg.unpackMultiple,cg.unpack;const lg={NEVER:0,ALWAYS:1,DECIMAL_ROUND:3,DECIMAL_FIT:4};new Uint8Array((/* @__PURE__ */ new Float32Array(1)).buffer,0,4);let ug;try{ug=new TextEncoder}catch{}let dg,fg;const pg=typeof Buffer<`u`,mg=pg?function(e){return Buffer.allocUnsafeSlow(e)}:Uint8Array,hg=pg?Buffer:Uint8Array,gg=pg?4294967296:2144337920;let Z,_g,Q,$=0,vg,yg=null,bg;const xg=/[\u0080-\uFFFF]/,Sg=Symbol(`record-id`);var Cg=class extends Ah{constructor(e){super(e),this.offset=0;let t,n,r,i,a=hg.prototype.utf8Write?function(e,t){return Z.utf8Write(e,t,Z.byteLength-t)}:ug&&ug.encodeInto?function(e,t){return ug.encodeInto(e,Z.subarray(t)).written}:!1,o=this;e||={};let s=e&&e.sequential,c=e.structures||e.saveStructures,l=e.maxSharedStructures;if(l??=c?32:0,l>8160)throw Error(`Maximum maxSharedStructure is 8160`);e.structuredClone&&e.moreTypes==null&&(this.moreTypes=!0);let u=e.maxOwnStructures;u??=c?32:64,!this.structures&&e.useRecords!=0&&(this.structures=[]);let d=l>32||u+l>64,f=l+64,p=l+u+64;if(p>8256)throw Error(`Maximum maxSharedStructure + maxOwnStructure is 8192`);let m=[],h=0,g=0;this.pack=this.encode=function(e,a){if(Z||(Z=new mg(8192),Q=Z.dataView||(Z.dataView=new DataView(Z.buffer,0,8192)),$=0),vg=Z.length-10,vg-$<2048?(Z=new mg(Z.length),Q=Z.dataView||(Z.dataView=new DataView(Z.buffer,0,Z.length)),vg=Z.length-10,$=0):$=$+7&2147483640,t=$,a&2048&&($+=a&255),i=o.structuredClone?/* @__PURE__ */ new Map:null,o.bundleStrings&&typeof e!=`string`?(yg=[],yg.size=1/0):yg=null,r=o.structures,r){r.uninitialized&&(r=o._mergeStructures(o.getStructures()));let e=r.sharedLength||0;if(e>l)throw Error(`Shared structures is larger than maximum shared structures, try increasing maxSharedStructures to `+r.sharedLength);if(!r.transitions){r.transitions=Object.create(null);for(let t=0;t<e;t++){let e=r[t];if(!e)continue;let n,i=r.transitions;for(let t=0,r=e.length;t<r;t++){let r=e[t];n=i[r],n||=i[r]=Object.create(null),i=n}i[Sg]=t+64}this.lastNamedStructuresLength=e}s||(r.nextId=e+64)}n&&=!1;let c;try{o.randomAccessStructure&&!o.readOnlyStructures&&e&&typeof e==`object`?e.constructor===Object?D(e):e.constructor!==Map&&!Array.isArray(e)&&!fg.some(t=>e instanceof t)?D(e.toJSON?e.toJSON():e):y(e):y(e);let n=yg;if(yg&&Og(t,y,0),i&&i.idsToInsert){let e=i.idsToInsert.sort((e,t)=>e.offset>t.offset?1:-1),r=e.length,a=-1;for(;n&&r>0;){let i=e[--r].offset+t;i<n.stringsPosition+t&&a===-1&&(a=0),i>n.position+t?a>=0&&(a+=6):(a>=0&&(Q.setUint32(n.position+t,Q.getUint32(n.position+t)+a),a=-1),n=n.previous,r++)}a>=0&&n&&Q.setUint32(n.position+t,Q.getUint32(n.position+t)+a),$+=e.length*6,$>vg&&w($),o.offset=$;let s=Dg(Z.subarray(t,$),e);return i=null,s}return o.offset=$,a&512?(Z.start=t,Z.end=$,Z):Z.subarray(t,$)}catch(e){throw c=e,e}finally{if(r&&(_(),n&&o.saveStructures)){let n=r.sharedLength||0,i=Z.subarray(t,$),s=kg(r,o);if(!c)return o.saveStructures(s,s.isCompatible)===!1?(r.uninitialized=!0,o.pack(e,a)):(o.lastNamedStructuresLength=n,Z.length>1073741824&&(Z=null),i)}Z.length>1073741824&&(Z=null),a&1024&&($=t)}};let _=()=>{g<10&&g++;let e=r.sharedLength||0;if(r.length>e&&!s&&(r.length=e),h>1e4)r.transitions=null,g=0,h=0,m.length>0&&(m=[]);else if(m.length>0&&!s){for(let e=0,t=m.length;e<t;e++)m[e][Sg]=0;m=[]}},v=e=>{var t=e.length;t<16?Z[$++]=144|t:t<65536?(Z[$++]=220,Z[$++]=t>>8,Z[$++]=t&255):(Z[$++]=221,Q.setUint32($,t),$+=4);for(let n=0;n<t;n++)y(e[n])},y=e=>{$>vg&&(Z=w($));var n=typeof e,r;if(n===`string`){let n=e.length;if(yg&&n>=4&&n<4096){if((yg.size+=n)>21760){let e,n=(yg[0]?yg[0].length*3+yg[1].length:0)+10;$+n>vg&&(Z=w($+n));let r;yg.position?(r=yg,Z[$]=200,$+=3,Z[$++]=98,e=$-t,$+=4,Og(t,y,0),Q.setUint16(e+t-3,$-t-e)):(Z[$++]=214,Z[$++]=98,e=$-t,$+=4),yg=[``,``],yg.previous=r,yg.size=0,yg.position=e}let r=xg.test(e);yg[+!r]+=e,Z[$++]=193,y(r?-n:n);return}let i;i=n<32?1:n<256?2:n<65536?3:5;let o=n*3;if($+o>vg&&(Z=w($+o)),n<64||!a){let t,a,o,s=$+i;for(t=0;t<n;t++)a=e.charCodeAt(t),a<128?Z[s++]=a:a<2048?(Z[s++]=a>>6|192,Z[s++]=a&63|128):(a&64512)==55296&&((o=e.charCodeAt(t+1))&64512)==56320?(a=65536+((a&1023)<<10)+(o&1023),t++,Z[s++]=a>>18|240,Z[s++]=a>>12&63|128,Z[s++]=a>>6&63|128,Z[s++]=a&63|128):(Z[s++]=a>>12|224,Z[s++]=a>>6&63|128,Z[s++]=a&63|128);r=s-$-i}else r=a(e,$+i);r<32?Z[$++]=160|r:r<256?(i<2&&Z.copyWithin($+2,$+1,$+1+r),Z[$++]=217,Z[$++]=r):r<65536?(i<3&&Z.copyWithin($+3,$+2,$+2+r),Z[$++]=218,Z[$++]=r>>8,Z[$++]=r&255):(i<5&&Z.copyWithin($+5,$+3,$+3+r),Z[$++]=219,Q.setUint32($,r),$+=4),$+=r}else if(n===`number`){if(e>>>0===e)e<32||e<128&&this.useRecords===!1||e<64&&!this.randomAccessStructure?Z[$++]=e:e<256?(Z[$++]=204,Z[$++]=e):e<65536?(Z[$++]=205,Z[$++]=e>>8,Z[$++]=e&255):(Z[$++]=206,Q.setUint32($,e),$+=4);else if((e|0)===e)e>=-32?Z[$++]=256+e:e>=-128?(Z[$++]=208,Z[$++]=e+256):e>=-32768?(Z[$++]=209,Q.setInt16($,e),$+=2):(Z[$++]=210,Q.setInt32($,e),$+=4);else{let t;if((t=this.useFloat32)>0&&e<4294967296&&e>=-2147483648){Z[$++]=202,Q.setFloat32($,e);let n;if(t<4||((n=e*sg[(Z[$]&127)<<1|Z[$+1]>>7])|0)===n){$+=4;return}$--}Z[$++]=203,Q.setFloat64($,e),$+=8}}else if(n===`object`||n===`function`){if(!e)Z[$++]=192;else{if(i){let n=i.get(e);if(n){n.id||=(i.idsToInsert||(i.idsToInsert=[])).push(n),Z[$++]=214,Z[$++]=112,Q.setUint32($,n.id),$+=4;return}i.set(e,{offset:$-t})}let a=e.constructor;if(a===Object)C(e);else if(a===Array)v(e);else if(a===Map){if(this.mapAsEmptyObject)Z[$++]=128;else{r=e.size,r<16?Z[$++]=128|r:r<65536?(Z[$++]=222,Z[$++]=r>>8,Z[$++]=r&255):(Z[$++]=223,Q.setUint32($,r),$+=4);for(let[t,n]of e)y(t),y(n)}}else{for(let t=0,n=dg.length;t<n;t++){let n=fg[t];if(e instanceof n){let n=dg[t];if(n.write){n.type&&(Z[$++]=212,Z[$++]=n.type,Z[$++]=0);let t=n.write.call(this,e);t===e?Array.isArray(e)?v(e):C(e):y(t);return}let r=Z,i=Q,a=$;Z=null;let o;try{o=n.pack.call(this,e,e=>(Z=r,r=null,$+=e,$>vg&&w($),{target:Z,targetView:Q,position:$-e}),y)}finally{r&&(Z=r,Q=i,$=a,vg=Z.length-10)}o&&(o.length+$>vg&&w(o.length+$),$=Eg(o,Z,$,n.type));return}}if(Array.isArray(e))v(e);else{if(e.toJSON){let t=e.toJSON();if(t!==e)return y(t)}if(n===`function`)return y(this.writeFunction&&this.writeFunction(e));C(e)}}}}else if(n===`boolean`)Z[$++]=e?195:194;else if(n===`bigint`){if(e<0x8000000000000000&&e>=-0x8000000000000000)Z[$++]=211,Q.setBigInt64($,e);else if(e<0x10000000000000000&&e>0)Z[$++]=207,Q.setBigUint64($,e);else if(this.largeBigIntToFloat)Z[$++]=203,Q.setFloat64($,Number(e));else if(this.largeBigIntToString)return y(e.toString());else if(this.useBigIntExtension||this.moreTypes){let t=BigInt(e<0?-1:0),n;if(e>>BigInt(65536)===t){let r=BigInt(0x10000000000000000)-BigInt(1),i=[];for(;i.push(e&r),e>>BigInt(63)!==t;)e>>=BigInt(64);n=new Uint8Array(new BigUint64Array(i).buffer),n.reverse()}else{let t=e<0,r=(t?~e:e).toString(16);if(r.length%2?r=`0`+r:parseInt(r.charAt(0),16)>=8&&(r=`00`+r),pg)n=Buffer.from(r,`hex`);else{n=new Uint8Array(r.length/2);for(let e=0;e<n.length;e++)n[e]=parseInt(r.slice(e*2,e*2+2),16)}if(t)for(let e=0;e<n.length;e++)n[e]=~n[e]}n.length+$>vg&&w(n.length+$),$=Eg(n,Z,$,66);return}else throw RangeError(e+` was too large to fit in MessagePack 64-bit integer format, use useBigIntExtension, or set largeBigIntToFloat to convert to float-64, or set largeBigIntToString to convert to string`);$+=8}else if(n===`undefined`)this.encodeUndefinedAsNil?Z[$++]=192:(Z[$++]=212,Z[$++]=0,Z[$++]=0);else throw Error(`Unknown type: `+n)},b=this.variableMapSize||this.coercibleKeyAsNumber||this.skipValues?e=>{let t;if(this.skipValues){t=[];for(let n in e)(typeof e.hasOwnProperty!=`function`||e.hasOwnProperty(n))&&!this.skipValues.includes(e[n])&&t.push(n)}else t=Object.keys(e);let n=t.length;n<16?Z[$++]=128|n:n<65536?(Z[$++]=222,Z[$++]=n>>8,Z[$++]=n&255):(Z[$++]=223,Q.setUint32($,n),$+=4);let r;if(this.coercibleKeyAsNumber)for(let i=0;i<n;i++){r=t[i];let n=Number(r);y(isNaN(n)?r:n),y(e[r])}else for(let i=0;i<n;i++)y(r=t[i]),y(e[r])}:e=>{Z[$++]=222;let n=$-t;$+=2;let r=0;for(let t in e)(typeof e.hasOwnProperty!=`function`||e.hasOwnProperty(t))&&(y(t),y(e[t]),r++);if(r>65535)throw Error(`Object is too large to serialize with fast 16-bit map size, use the "variableMapSize" option to serialize this object`);Z[n+++t]=r>>8,Z[n+t]=r&255},x=this.useRecords===!1?b:e.progressiveRecords&&!d?e=>{let n,i=r.transitions||(r.transitions=Object.create(null)),a=$++-t,o;for(let s in e)if(typeof e.hasOwnProperty!=`function`||e.hasOwnProperty(s)){if(n=i[s],n)i=n;else{let c=Object.keys(e),l=i;i=r.transitions;let u=0;for(let e=0,t=c.length;e<t;e++){let t=c[e];n=i[t],n||(n=i[t]=Object.create(null),u++),i=n}a+t+1==$?($--,T(i,c,u)):E(i,c,a,u),o=!0,i=l[s]}y(e[s])}if(!o){let n=i[Sg];n?Z[a+t]=n:E(i,Object.keys(e),a,0)}}:e=>{let t,n=r.transitions||(r.transitions=Object.create(null)),i=0;for(let r in e)(typeof e.hasOwnProperty!=`function`||e.hasOwnProperty(r))&&(t=n[r],t||(t=n[r]=Object.create(null),i++),n=t);let a=n[Sg];a?a>=96&&d?(Z[$++]=((a-=96)&31)+96,Z[$++]=a>>5):Z[$++]=a:T(n,n.__keys__||Object.keys(e),i);for(let t in e)(typeof e.hasOwnProperty!=`function`||e.hasOwnProperty(t))&&y(e[t])},S=typeof this.useRecords==`function`&&this.useRecords,C=S?e=>{S(e)?x(e):b(e)}:x,w=e=>{let n;if(e>16777216){if(e-t>gg)throw Error(`Packed buffer would be larger than maximum buffer size`);n=Math.min(gg,Math.round(Math.max((e-t)*(e>67108864?1.25:2),4194304)/4096)*4096)}else n=(Math.max(e-t<<2,Z.length-1)>>12)+1<<12;let r=new mg(n);return Q=r.dataView||=new DataView(r.buffer,0,n),e=Math.min(e,Z.length),Z.copy?Z.copy(r,0,t,e):r.set(Z.slice(t,e)),$-=t,t=0,vg=r.length-10,Z=r},T=(e,t,i)=>{let a=r.nextId;a||=64,a<f&&this.shouldShareStructure&&!this.shouldShareStructure(t)?(a=r.nextOwnId,a<p||(a=f),r.nextOwnId=a+1):(a>=p&&(a=f),r.nextId=a+1);let o=t.highByte=a>=96&&d?a-96>>5:-1;e[Sg]=a,e.__keys__=t,r[a-64]=t,a<f?(t.isShared=!0,r.sharedLength=a-63,n=!0,o>=0?(Z[$++]=(a&31)+96,Z[$++]=o):Z[$++]=a):(o>=0?(Z[$++]=213,Z[$++]=114,Z[$++]=(a&31)+96,Z[$++]=o):(Z[$++]=212,Z[$++]=114,Z[$++]=a),i&&(h+=g*i),m.length>=u&&(m.shift()[Sg]=0),m.push(e),y(t))},E=(e,n,r,i)=>{let a=Z,o=$,s=vg,c=t;Z=_g,$=0,t=0,Z||(_g=Z=new mg(8192)),vg=Z.length-10,T(e,n,i),_g=Z;let l=$;if(Z=a,$=o,vg=s,t=c,l>1){let e=$+l-1;e>vg&&w(e);let n=r+t;Z.copyWithin(n+l,n+1,$),Z.set(_g.slice(0,l),n),$=e}else Z[r+t]=_g[0]},D=e=>{let i=bg(e,Z,t,$,r,w,(e,t,r)=>{if(r)return n=!0;$=t;let i=Z;return y(e),_(),i===Z?$:{position:$,targetView:Q,target:Z}},this);if(i===0)return C(e);$=i}}useBuffer(e){Z=e,Z.dataView||(Z.dataView=new DataView(Z.buffer,Z.byteOffset,Z.byteLength)),Q=Z.dataView,$=0}set position(e){$=e}get position(){return $}clearSharedData(){this.structures&&=[],this.typedStructs&&=[]}};fg=[Date,Set,Error,RegExp,ArrayBuffer,Object.getPrototypeOf(Uint8Array.prototype).constructor,DataView,Eh],dg=[{pack(e,t,n){let r=e.getTime()/1e3;if((this.useTimestamp32||e.getMilliseconds()===0)&&r>=0&&r<4294967296){let{target:e,targetView:n,position:i}=t(6);e[i++]=214,e[i++]=255,n.setUint32(i,r)}else if(r>0&&r<4294967296){let{target:n,targetView:i,position:a}=t(10);n[a++]=215,n[a++]=255,i.setUint32(a,e.getMilliseconds()*4e6+(r/1e3/4294967296|0)),i.setUint32(a+4,r)}else if(isNaN(r)){if(this.onInvalidDate)return t(0),n(this.onInvalidDate());let{target:e,targetView:r,position:i}=t(3);e[i++]=212,e[i++]=255,e[i++]=255}else{let{target:n,targetView:i,position:a}=t(15);n[a++]=199,n[a++]=12,n[a++]=255,i.setUint32(a,e.getMilliseconds()*1e6),i.setBigInt64(a+4,BigInt(Math.floor(r)))}}},{pack(e,t,n){if(this.setAsEmptyObject)return t(0),n({});let r=Array.from(e),{target:i,position:a}=t(this.moreTypes?3:0);this.moreTypes&&(i[a++]=212,i[a++]=115,i[a++]=0),n(r)}},{pack(e,t,n){let{target:r,position:i}=t(this.moreTypes?3:0);this.moreTypes&&(r[i++]=212,r[i++]=101,r[i++]=0),n([e.name,e.message,e.cause])}},{pack(e,t,n){let{target:r,position:i}=t(this.moreTypes?3:0);this.moreTypes&&(r[i++]=212,r[i++]=120,r[i++]=0),n([e.source,e.flags])}},{pack(e,t){this.moreTypes?wg(e,16,t):Tg(pg?Buffer.from(e):new Uint8Array(e),t)}},{pack(e,t){let n=e.constructor;n!==hg&&this.moreTypes?wg(e,ng.indexOf(n.name),t):Tg(e,t)}},{pack(e,t){this.moreTypes?wg(e,17,t):Tg(pg?Buffer.from(e):new Uint8Array(e),t)}},{pack(e,t){let{target:n,position:r}=t(1);n[r]=193}}];function wg(e,t,n,r){let i=e.byteLength;if(i+1<256){var{target:a,position:o}=n(4+i);a[o++]=199,a[o++]=i+1}else if(i+1<65536){var{target:a,position:o}=n(5+i);a[o++]=200,a[o++]=i+1>>8,a[o++]=i+1&255}else{var{target:a,position:o,targetView:s}=n(7+i);a[o++]=201,s.setUint32(o,i+1),o+=4}a[o++]=116,a[o++]=t,e.buffer||(e=new Uint8Array(e)),a.set(new Uint8Array(e.buffer,e.byteOffset,e.byteLength),o)}function Tg(e,t){let n=e.byteLength;var r,i;if(n<256){var{target:r,position:i}=t(n+2);r[i++]=196,r[i++]=n}else if(n<65536){var{target:r,position:i}=t(n+3);r[i++]=197,r[i++]=n>>8,r[i++]=n&255}else{var{target:r,position:i,targetView:a}=t(n+5);r[i++]=198,a.setUint32(i,n),i+=4}r.set(e,i)}function Eg(e,t,n,r){let i=e.length;switch(i){case 1:t[n++]=212;break;case 2:t[n++]=213;break;case 4:t[n++]=214;break;case 8:t[n++]=215;break;case 16:t[n++]=216;break;default:i<256?(t[n++]=199,t[n++]=i):i<65536?(t[n++]=200,t[n++]=i>>8,t[n++]=i&255):(t[n++]=201,t[n++]=i>>24,t[n++]=i>>16&255,t[n++]=i>>8&255,t[n++]=i&255)}return t[n++]=r,t.set(e,n),n+=i,n}function Dg(e,t){let n,r=t.length*6,i=e.length-r;for(;n=t.pop();){let t=n.offset,a=n.id;e.copyWithin(t+r,t,i),r-=6;let o=t+r;e[o++]=214,e[o++]=105,e[o++]=a>>24,e[o++]=a>>16&255,e[o++]=a>>8&255,e[o++]=a&255,i=t}return e}function Og(e,t,n){if(yg.length>0){Q.setUint32(yg.position+e,$+n-yg.position-e),yg.stringsPosition=$-e;let r=yg;yg=null,t(r[0]),t(r[1])}}function kg(e,t){return e.isCompatible=e=>{let n=!e||(t.lastNamedStructuresLength||0)===e.length;return n||t._mergeStructures(e),n},e}let Ag=new Cg({useRecords:!1});Ag.pack,Ag.pack;const{NEVER:jg,ALWAYS:Mg,DECIMAL_ROUND:Ng,DECIMAL_FIT:Pg}=lg,Fg=`0123456789ABCDEFGHJKMNPQRSTVWXYZ`
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
/**
* @license
* MIT License
*
* Copyright (c) 2016-2021 Linus Unnebäck
*
* Permission is hereby granted, free of charge, to any person obtaining a copy
* of this software and associated documentation files (the "Software"), to deal
* in the Software without restriction, including without limitation the rights
* to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
* copies of the Software, and to permit persons to whom the Software is
* furnished to do so, subject to the following conditions:
*
* The above copyright notice and this permission notice shall be included in all
* copies or substantial portions of the Software.
*
* THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
* IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
* FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
* AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
* LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
* OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
* SOFTWARE.
*/
;function Ig(e){let t=e.length,n=0,r=``,i=0;for(let a=0;a<t;++a)for(n=n<<8|e[a],i+=8;i>=5;i-=5)r+=Fg[n>>>i-5&31];return i>0&&(r+=Fg[n<<5-i&31]),r}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const Lg=Uint8Array.of(73,67,69,240,159,167,138,67,72,85,78,75),Rg=Lg.length+24+1+1+1;async function zg(e,t,n,r){if(e.byteLength<Rg)throw Error(`Expected icechunk header of ${Rg} bytes, but received: ${e.byteLength} bytes`);let i=new DataView(e),a=0;for(let t=0,n=Lg.length;t<n;++t)if(i.getUint8(t)!==Lg[t])throw Error(`Expected magic bytes of ${Lg.join()} but received: ${new Uint8Array(e,0,n).join()}`);a+=Lg.length,a+=24;let o=i.getUint8(a++);if(o>t)throw Error(`Expected version <= ${t} but received: ${o}`);let s=i.getUint8(a++);if(s!==n)throw Error(`Expected file type of ${n}, but received: ${s}`);let c=i.getUint8(a++),l=new Uint8Array(e,a);switch(c){case 0:break;case 1:l=await Vc(Qf,r,[e],l),l=new Uint8Array(l.buffer,l.byteOffset,l.byteLength);break;default:throw Error(`Unknown compression method: ${c}`)}return{content:l,specVersion:o}}async function Bg(e,t,n,r){let{content:i,specVersion:a}=await zg(e,t,n,r);return{content:new Ah({mapsAsObjects:!1,int64AsType:`bigint`}).unpack(i),specVersion:a,estimatedSize:e.byteLength*3}}const Vg=/* @__PURE__ */ ph(/* @__PURE__ */ lh([/* @__PURE__ */ eh(Uint8Array)]),/* @__PURE__ */ qm(e=>e[0])),Hg=/* @__PURE__ */ ph(Vg,/* @__PURE__ */ Km(12),/* @__PURE__ */ qm(Ig)),Ug=/* @__PURE__ */ ph(Vg,/* @__PURE__ */ Km(8),/* @__PURE__ */ qm(Ig)),Wg=BigInt(-(2**53-1)),Gg=BigInt(2**53-1),Kg=/* @__PURE__ */ dh([/* @__PURE__ */ ph(/* @__PURE__ */ $m(),/* @__PURE__ */ Wm(e=>e>=Wg&&e<=Gg,`Number outside supported range: [${-(2**53-1)}, ${2**53-1}]`),/* @__PURE__ */ qm(Number)),/* @__PURE__ */ ph(/* @__PURE__ */ rh(),/* @__PURE__ */ Gm())]);function qg(e){let t=Object.keys(e);return/* @__PURE__ */ ph(/* @__PURE__ */ Qm(/* @__PURE__ */ Zm()),/* @__PURE__ */ Km(t.length),/* @__PURE__ */ qm(e=>Object.fromEntries(t.map((t,n)=>[t,e[n]]))),/* @__PURE__ */ oh(e))}const Jg=Hg,Yg=Hg,Xg=Ug;function Zg(e,t,n){try{return{...fh(e,n.content),estimatedSize:n.estimatedSize}}catch(e){throw/* @__PURE__ */ Um(e)?Error(`Error parsing icechunk ${t}: ${JSON.stringify(/* @__PURE__ */ Ym(e.issues))}`):e}}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const Qg=/* @__PURE__ */ oh({Inline:/* @__PURE__ */ eh(Uint8Array)}),$g=/* @__PURE__ */ oh({Virtual:qg({location:/* @__PURE__ */ ch(),offset:Kg,length:Kg,chunksum:/* @__PURE__ */ Zm()})}),e_=/* @__PURE__ */ oh({Ref:qg({id:Yg,offset:Kg,length:Kg})}),t_=qg({id:Jg,chunks:/* @__PURE__ */ th(Xg,/* @__PURE__ */ th(/* @__PURE__ */ ph(/* @__PURE__ */ Qm(Kg),/* @__PURE__ */ qm(e=>e.join())),/* @__PURE__ */ ph(/* @__PURE__ */ th(/* @__PURE__ */ ch(),/* @__PURE__ */ Zm()),/* @__PURE__ */ qm(Object.fromEntries),/* @__PURE__ */ dh([Qg,$g,e_]))))});async function n_(e,t){let n=await Bg(e,1,2,t);return Zg(t_,`chunk manifest`,n)}function r_(e,t){return pi(e,`manifests/${t}`)}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function i_(e){if(lr(e),Object.keys(e).length!==1)throw Error(`Expected object with only a "snapshot" property, but received: ${JSON.stringify(e)}`);let t=H(e,`snapshot`,dr);if(!a_(t))throw Error(`Expected icechunk snapshot id but received: ${JSON.stringify(t)}`);return t}function a_(e){return e.match(/^[0-9ABCDEFGHJKMNPQRSTVWXYZ]{20}$/)!==null}function o_(e){return e.match(/^[0-9ABCDEFGHJKMNPQRSTVWXYZ]{8}\.json$/)!==null}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const s_=Hg,c_=Hg,l_=qg({id:Jg,sizeBytes:Kg,numRows:Kg}),u_=qg({id:c_}),d_=/* @__PURE__ */ ph(/* @__PURE__ */ th(/* @__PURE__ */ ch(),/* @__PURE__ */ Zm()),/* @__PURE__ */ qm(Object.fromEntries),/* @__PURE__ */ dh([/* @__PURE__ */ oh({Inline:/* @__PURE__ */ Zm()})])),f_=/* @__PURE__ */ ih([`Slash`,`Dot`]),p_=/* @__PURE__ */ th(/* @__PURE__ */ ch(),/* @__PURE__ */ Zm()),m_=qg({name:/* @__PURE__ */ ch(),configuration:p_}),h_=/* @__PURE__ */ ph(/* @__PURE__ */ th(/* @__PURE__ */ ch(),/* @__PURE__ */ Zm()),/* @__PURE__ */ qm(e=>{let t=Array.from(e.values());if(t.length!==1)throw Error(`Expected a single key, but received: ${JSON.stringify(Array.from(e.keys()))}`);return t[0]})),g_=qg({name:/* @__PURE__ */ ch(),configuration:p_}),__=qg({shape:/* @__PURE__ */ Qm(Kg),dataType:/* @__PURE__ */ ch(),chunkShape:/* @__PURE__ */ Qm(Kg),chunkKeyEncoding:f_,fillValue:h_,codecs:/* @__PURE__ */ Qm(m_),storageTransformers:/* @__PURE__ */ Qm(g_),dimensionNames:/* @__PURE__ */ nh(/* @__PURE__ */ Qm(/* @__PURE__ */ nh(/* @__PURE__ */ ch())))}),v_=/* @__PURE__ */ Qm(Kg),y_=qg({objectId:Jg,extents:/* @__PURE__ */ sh([v_,v_])}),b_=/* @__PURE__ */ ih([`Group`]),x_=/* @__PURE__ */ oh({Array:qg({metadata:__,manifests:/* @__PURE__ */ Qm(y_)})}),S_=qg({id:Xg,path:/* @__PURE__ */ ph(/* @__PURE__ */ ch(),/* @__PURE__ */ qm(e=>e===`/`?``:e.slice(1)+`/`)),userAttributes:d_,nodeData:/* @__PURE__ */ dh([b_,/* @__PURE__ */ ph(/* @__PURE__ */ th(/* @__PURE__ */ ch(),/* @__PURE__ */ Zm()),/* @__PURE__ */ qm(Object.fromEntries),x_)])}),C_=qg({id:s_,parentId:/* @__PURE__ */ nh(s_),flushedAt:/* @__PURE__ */ ch(),message:/* @__PURE__ */ ch(),metadata:/* @__PURE__ */ ah(/* @__PURE__ */ ch(),/* @__PURE__ */ Zm()),manifestFiles:/* @__PURE__ */ ph(/* @__PURE__ */ Qm(l_),/* @__PURE__ */ qm(e=>{let t=/* @__PURE__ */ new Map;for(let n of e)t.set(n.id,n);return t})),attributeFiles:/* @__PURE__ */ Qm(u_),nodes:/* @__PURE__ */ ph(/* @__PURE__ */ th(/* @__PURE__ */ ch(),S_),/* @__PURE__ */ qm(e=>Array.from(e.values()).sort((e,t)=>ei(e.path,t.path))))});async function w_(e,t){let n=await Bg(e,1,1,t);return Zg(C_,`snapshot`,n)}function T_(e){let{userAttributes:t,nodeData:n}=e,r;r=t===null?/* @__PURE__ */ new Map:t.Inline;let i=n===`Group`?{zarr_format:3,node_type:`group`,attributes:r}:E_(n.Array.metadata,r);return JSON.stringify(i,(e,t)=>t instanceof Map?Object.fromEntries(t):t)}function E_(e,t){let{shape:n,chunkShape:r,chunkKeyEncoding:i,dataType:a,fillValue:o,codecs:s,storageTransformers:c,dimensionNames:l}=e;return{zarr_format:3,node_type:`array`,shape:n,data_type:a,chunk_grid:{name:`regular`,configuration:{chunk_shape:r}},chunk_key_encoding:{name:`default`,configuration:{separator:i===`Dot`?`.`:`/`}},fill_value:o,codecs:s,storage_transformers:c,dimension_names:l??void 0,attributes:t}}function D_(e,t){let{nodes:n}=e,r=Mn(n,t,(e,t)=>ei(e,t.path));if(r<0)throw Error(`Node not found: ${JSON.stringify(t)}`);return n[r]}function O_(e,t){return pi(e,`snapshots/${t}`)}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var k_=(e,t)=>(t=Symbol[e])?t:Symbol.for(`Symbol.`+e),A_=e=>{throw TypeError(e)},j_=(e,t,n)=>{if(t!=null){typeof t!=`object`&&typeof t!=`function`&&A_(`Object expected`);var r,i;n&&(r=t[k_(`asyncDispose`)]),r===void 0&&(r=t[k_(`dispose`)],n&&(i=r)),typeof r!=`function`&&A_(`Object not disposable`),i&&(r=function(){try{i.call(this)}catch(e){return Promise.reject(e)}}),e.push([n,r,t])}else n&&e.push([n]);return t},M_=(e,t,n)=>{var r=typeof SuppressedError==`function`?SuppressedError:function(e,t,n,r){return r=Error(n),r.name=`SuppressedError`,r.error=e,r.suppressed=t,r},i=e=>t=n?new r(e,t,`An error was suppressed during disposal`):(n=!0,e),a=r=>{for(;r=e.pop();)try{var o=r[1]&&r[1].call(r[2]);if(r[0])return Promise.resolve(o).then(a,e=>(i(e),a()))}catch(e){i(e)}if(n)throw t};return a()};function N_(e,t,n){let r=new Vd(e.chunkManager.addRef(),{get:async(r,i)=>{let a=await e.kvStoreContext.read(r,{...i,throwIfMissing:!0});try{return await n(a.response,i.signal)}catch(e){throw Error(`Error reading icechunk ${t} from ${r}`,{cause:e})}}});return r.registerDisposer(e.addRef()),r}function P_(e,t,n,r){return e.chunkManager.memoize.get(`icechunk:snapshot`,()=>N_(e,`snapshot`,async(e,t)=>{let n=await w_(await e.arrayBuffer(),t);return{data:n,size:n.estimatedSize}})).get(O_(t,n),r)}function F_(e,t,n,r){return e.chunkManager.memoize.get(`icechunk:manifest`,()=>N_(e,`manifest`,async(e,t)=>{let n=await n_(await e.arrayBuffer(),t);return{data:n,size:n.estimatedSize}})).get(r_(t,n),r)}function I_(e,t,n){return e.chunkManager.memoize.get(`icechunk:ref`,()=>N_(e,`ref`,async e=>({data:i_(await e.json()),size:0}))).get(t,n)}function L_(e,t,n){return e.chunkManager.memoize.get(`icechunk:branch`,()=>{let t=new Vd(e.chunkManager.addRef(),{get:async(t,n)=>{var r=[];try{j_(r,new mt(n.progressListener,{message:`Resolving icechunk branch at ${t}`}));try{let r=(await e.kvStoreContext.list(t,{...n,responseKeys:`suffix`})).entries.find(e=>o_(e.key));if(r===void 0)throw Error(`Failed to find any refs`);return{data:await I_(e,pi(t,r.key),n),size:0}}catch(e){throw Error(`Error resolving icechunk branch at ${t}`,{cause:e})}}catch(e){var i=e,a=!0}finally{M_(r,i,a)}}});return t.registerDisposer(e.addRef()),t}).get(t,n)}function R_(e,t,n){return e.chunkManager.memoize.get(`icechunk:tag`,()=>{let t=new Vd(e.chunkManager.addRef(),{get:async(t,n)=>{var r=[];try{j_(r,new mt(n.progressListener,{message:`Resolving icechunk tag at ${t}`}));try{let[r,i]=await Promise.all([I_(e,pi(t,`ref.json`),n),e.kvStoreContext.stat(pi(t,`ref.json.deleted`),n)]);if(i!==void 0)throw Error(`Tag is marked as deleted`);return{data:r,size:0}}catch(e){throw Error(`Error resolving icechunk tag at ${t}`,{cause:e})}}catch(e){var i=e,a=!0}finally{M_(r,i,a)}}});return t.registerDisposer(e.addRef()),t}).get(t,n)}function z_(e,t,n,r){return`snapshot`in n?Promise.resolve(n.snapshot):`branch`in n?L_(e,pi(t,`refs/branch.${n.branch}/`),r):R_(e,pi(t,`refs/tag.${n.tag}/`),r)}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function B_(e,t){let n,r,i=t.match(/(?:^|\/)(zarr\.json)$/);if(i!==null)n=t.slice(0,-i[1].length);else{let e=t.match(/c(?:[./][0-9]+)*$/);if(e===null)return;n=t.slice(0,-e[0].length);let i=e[0].split(/[./]/),a=i.length-1;r=Array(a);for(let e=0;e<a;++e)r[e]=Number(i[e+1])}let a=D_(e,n);if(r===void 0)return{node:a};if(a.nodeData===`Group`)return;let{shape:o,chunkShape:s}=a.nodeData.Array.metadata,c=o.length;if(c===r.length){for(let e=0;e<c;++e)if(r[e]*s[e]>=o[e])return;return{node:a,chunk:r}}}function V_([e,t],n){for(let r=0,i=n.length;r<i;++r){let i=n[r];if(i<e[r]||i>=t[r])return!1}return!0}async function H_(e,t,n,r,i){let{manifests:a}=n.nodeData.Array,o=r.join(),s=n.id;for(let n of a){if(!V_(n.extents,r))continue;let a=(await F_(e,t,n.objectId,i)).chunks.get(s);if(a===void 0)continue;let c=a.get(o);if(c!==void 0)return c}}async function U_(e,t,n,r,i){let a=B_(n,r);if(a===void 0)return;let{node:o,chunk:s}=a;if(s===void 0)return{totalSize:void 0};let c=await H_(e,t,o,s,i);if(c===void 0)return;let l;return l=`Inline`in c?c.Inline.length:`Virtual`in c?c.Virtual.length:c.Ref.length,{totalSize:l}}async function W_(e,t,n,r){if(`Inline`in n)return ld(n.Inline,r.byteRange);let i,a,o;if(`Virtual`in n)({location:o,offset:i,length:a}=n.Virtual);else{let{Ref:e}=n;({offset:i,length:a}=e),o=G_(t,e.id)}return new ud(e.kvStoreContext.getFileHandle(o),{offset:i,length:a}).read(r)}function G_(e,t){return pi(e,`chunks/${t}`)}async function K_(e,t,n,r,i){let a=B_(n,r);if(a===void 0)return;let{node:o,chunk:s}=a;if(s===void 0){let e=T_(o);return ld(new TextEncoder().encode(e),i.byteRange)}let c=await H_(e,t,o,s,i);if(c!==void 0)return W_(e,t,c,i)}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const q_=`branch.`,J_=`tag.`;function Y_(e,t){let{baseUrl:n,refSpec:r}=e;return n+`|icechunk:${r===void 0?``:`@${X_(r)}/`}${xi(t)}`}function X_(e){return`branch`in e?q_+xi(e.branch):`tag`in e?J_+xi(e.tag):e.snapshot}function Z_(e){return e.length>0&&!e.includes(`/`)}function Q_(e){if(e!==void 0){if(e.startsWith(q_)){let t=e.substring(7);if(!Z_(t))throw Error(`Invalid branch name: ${JSON.stringify(t)}`);return{branch:decodeURIComponent(t)}}if(e.startsWith(J_)){let t=e.substring(4);if(!Z_(t))throw Error(`Invalid tag name: ${JSON.stringify(t)}`);return{tag:decodeURIComponent(t)}}if(a_(e))return{snapshot:e};throw Error(`Invalid ref spec: ${JSON.stringify(e)}`)}}function $_(e,t){gi(e);try{let[,n,r]=(e.suffix??``).match(/^(?:@([^/]*)(?:\/|$))?(.*)$/);return{baseUrl:t.store.getUrl(hi(t.path)),version:Q_(n),path:decodeURIComponent(r)}}catch(t){throw Error(`Invalid URL: ${e.url}`,{cause:t})}}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var ev=class{constructor(e,t,n){this.sharedKvStoreContext=e,this.baseUrl=t,this.refSpec=n}snapshot;async getSnapshot(e){let{snapshot:t}=this;if(t===void 0){let n=await z_(this.sharedKvStoreContext,this.baseUrl,this.refSpec??{branch:`main`},e);t=this.snapshot=await P_(this.sharedKvStoreContext,this.baseUrl,n,e)}return t}getUrl(e){return Y_(this,e)}async stat(e,t){let n=await this.getSnapshot(t);return U_(this.sharedKvStoreContext,this.baseUrl,n,e,t)}async read(e,t){let n=await this.getSnapshot(t);return K_(this.sharedKvStoreContext,this.baseUrl,n,e,t)}async list(e,t){return Nm(await this.getSnapshot(t),e)}get supportsOffsetReads(){return!0}get supportsSuffixReads(){return!0}};
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
async function tv(e,t){let{url:n}=t,r=n.suffix??``;if(r===``)return{offset:0,completions:[{value:`@`,description:`Ref specifier`}]};let i=r.match(/^@([^/]*)((?:\/|$).*)/);if(i===null)return;let[,a,o]=i;if(o!==``){Q_(a);return}let s;if(a.match(/^(?:(?:(?:t|$)(?:a|$)(?:g|$)(?:\.|$))|(?:(?:b|$)(?:r|$)(?:a|$)(?:n|$)(?:c|$)(?:h|$)(?:\.|$)))/)){let e=mi(t.base.path,`refs/`);s=ai(t.base.store,e+decodeURIComponent(a),{signal:t.signal,progressListener:t.progressListener}).then(({directories:t})=>t.map(t=>{let n=t.slice(e.length);return{value:xi(n)+`/`,description:n.startsWith(`tag.`)?`Tag`:`Branch`}}))}let c;if(a.match(/^[0-9ABCDEFGHJKMNPQRSTVWXYZ]{0,20}$/)){let e=mi(t.base.path,`snapshots/`);c=ai(t.base.store,e+a,{signal:t.signal,progressListener:t.progressListener}).then(({entries:t})=>{let n=[];for(let{key:r}of t){let t=r.slice(e.length);a_(t)&&n.push({value:t+`/`,description:`Snapshot`})}return n})}return{offset:1,completions:[...await s??[],...await c??[]]}}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function nv(e){return{scheme:`icechunk`,description:`Icechunk repository`,getKvStore(t,n){let{baseUrl:r,version:i,path:a}=$_(t,n);return{store:new ev(e,r,i),path:a}},completeUrl(t){return tv(e,t)}}}Ii.registerKvStoreAdapterProvider(nv);
/**
* @license
* Copyright 2024 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const rv=`middleauth+`;function iv(e,t){return e.getCredentialsProvider(`middleauthapp`,new URL(t).origin)}function av(e,t,n){return{scheme:rv+e,description:`${e} with middleauth`,getKvStore(e){let r=e.url.substring(11),i=iv(t.credentialsManager,r);try{let{baseUrl:e,path:a}=Ci(r);return{store:new n(t,e,rv+e,zl(i)),path:a}}catch(t){throw Error(`Invalid URL ${JSON.stringify(e.url)}`,{cause:t})}}}}function ov(e,t){for(let n of[`https`])e.registerBaseKvStoreProvider(e=>av(n,e,t))}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
ov(Ii,Mm);
/**
* @license
* Copyright 2024 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function sv(e,t,n){return e.getCredentialsProvider(`ngauth_gcs`,{authServer:t,bucket:n})}function cv(e,t){return{scheme:e,description:`Google Cloud Storage (ngauth)`,getKvStore(e){let n=(e.suffix??``).match(/^\/\/([^/]+)\/([^/]+)(\/.*)?$/);if(n===null)throw Error(`Invalid URL, expected ${e.scheme}://<ngauth-server>/<bucket>/<path>`);let[,r,i,a]=n,o=e.scheme.substring(10)+`://`+r,s=sv(t.credentialsManager,o,i);return{store:new Tm(i,`${e.scheme}://${r}/${i}/`,zl(s)),path:decodeURIComponent((a??``).substring(1))}}}}for(let e of[`http`,`https`])Ai.registerBaseKvStoreProvider(t=>cv(`gs+ngauth+${e}`,t))
/*! crc32.js (C) 2014-present SheetJS -- http://sheetjs.com */
;var lv=(/* @__PURE__ */ e((e=>{(function(t){typeof DO_NOT_EXPORT_CRC>`u`?typeof e==`object`?t(e):typeof define==`function`&&define.amd?define(function(){var e={};return t(e),e}):t({}):t({})})(function(e){e.version=`1.2.2`;function t(){for(var e=0,t=Array(256),n=0;n!=256;++n)e=n,e=e&1?-2097792136^e>>>1:e>>>1,e=e&1?-2097792136^e>>>1:e>>>1,e=e&1?-2097792136^e>>>1:e>>>1,e=e&1?-2097792136^e>>>1:e>>>1,e=e&1?-2097792136^e>>>1:e>>>1,e=e&1?-2097792136^e>>>1:e>>>1,e=e&1?-2097792136^e>>>1:e>>>1,e=e&1?-2097792136^e>>>1:e>>>1,t[n]=e;return typeof Int32Array<`u`?new Int32Array(t):t}var n=t();function r(e){var t=0,n=0,r=0,i=typeof Int32Array<`u`?/* @__PURE__ */ new Int32Array(4096):Array(4096);for(r=0;r!=256;++r)i[r]=e[r];for(r=0;r!=256;++r)for(n=e[r],t=256+r;t<4096;t+=256)n=i[t]=n>>>8^e[n&255];var a=[];for(r=1;r!=16;++r)a[r-1]=typeof Int32Array<`u`?i.subarray(r*256,r*256+256):i.slice(r*256,r*256+256);return a}var i=r(n),a=i[0],o=i[1],s=i[2],c=i[3],l=i[4],u=i[5],d=i[6],f=i[7],p=i[8],m=i[9],h=i[10],g=i[11],_=i[12],v=i[13],y=i[14];function b(e,t){for(var r=t^-1,i=0,a=e.length;i<a;)r=r>>>8^n[(r^e.charCodeAt(i++))&255];return~r}function x(e,t){for(var r=t^-1,i=e.length-15,b=0;b<i;)r=y[e[b++]^r&255]^v[e[b++]^r>>8&255]^_[e[b++]^r>>16&255]^g[e[b++]^r>>>24]^h[e[b++]]^m[e[b++]]^p[e[b++]]^f[e[b++]]^d[e[b++]]^u[e[b++]]^l[e[b++]]^c[e[b++]]^s[e[b++]]^o[e[b++]]^a[e[b++]]^n[e[b++]];for(i+=15;b<i;)r=r>>>8^n[(r^e[b++])&255];return~r}function S(e,t){for(var r=t^-1,i=0,a=e.length,o=0,s=0;i<a;)o=e.charCodeAt(i++),o<128?r=r>>>8^n[(r^o)&255]:o<2048?(r=r>>>8^n[(r^(192|o>>6&31))&255],r=r>>>8^n[(r^(128|o&63))&255]):o>=55296&&o<57344?(o=(o&1023)+64,s=e.charCodeAt(i++)&1023,r=r>>>8^n[(r^(240|o>>8&7))&255],r=r>>>8^n[(r^(128|o>>2&63))&255],r=r>>>8^n[(r^(128|s>>6&15|(o&3)<<4))&255],r=r>>>8^n[(r^(128|s&63))&255]):(r=r>>>8^n[(r^(224|o>>12&15))&255],r=r>>>8^n[(r^(128|o>>6&63))&255],r=r>>>8^n[(r^(128|o&63))&255]);return~r}e.table=n,e.bstr=b,e.buf=x,e.str=S})})))();
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function uv(e,t){let n=0,r=0;for(let i=t,a=e.byteLength;i<a;++i){let t=e.getUint8(i);if(n+=(t&127)<<r,!(t&128)){if(n>2**53-1)throw Error(`Value exceeded ${2**53-1}`);return{offset:i+1,value:n}}r+=7}throw Error(`Unexpected EOF`)}function dv(e,t){let n=0n,r=0n;for(let i=t,a=e.byteLength;i<a;++i){let t=e.getUint8(i);if(n|=BigInt(t&127)<<BigInt(r),!(t&128))return{offset:i+1,value:n};r+=7n}throw Error(`Unexpected EOF`)}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var fv=/* @__PURE__ */ (e=>(e[e.UNCOMPRESSED=0]=`UNCOMPRESSED`,e[e.ZSTD=1]=`ZSTD`,e))(fv||{});async function pv(e,t,n,r){if(e.byteLength<18)throw Error(`Unexpected EOF`);let i=new DataView(e),a=i.getUint32(0,!1);if(a!==t)throw Error(`Expected magic value 0x${t.toString(16)} but received 0x${a.toString(16)}`);let o=i.getBigUint64(4,!0);if(o!=BigInt(e.byteLength))throw Error(`Expected length ${e.byteLength} but received: ${o}`);let s=i.getUint32(e.byteLength-4,!0),c=(0,lv.buf)(new Uint8Array(e,0,e.byteLength-4))>>>0;if(s!=c)throw Error(`Expected CRC32c checksum of ${s}, but received ${c}`);let l=i.getUint8(12);if(l>n)throw Error(`Expected version to be <= ${n}, but received: ${l}`);let u=i.getUint8(13),d=new Uint8Array(e,14,e.byteLength-14-4);switch(u){case 0:break;case 1:d=await Vc(Qf,r,[e],d);break;default:throw Error(`Unknown compression format ${u}`)}return{reader:{offset:0,data:new DataView(d.buffer,d.byteOffset,d.byteLength)},version:l}}function mv(e,t){let{offset:n,data:r}=e;if(n+t>r.byteLength)throw Error(`Unexpected EOF`);return e.offset+=t,new Uint8Array(r.buffer,r.byteOffset+n,t)}function hv(e){let{value:t,offset:n}=uv(e.data,e.offset);return e.offset=n,t}function gv(e){let{value:t,offset:n}=dv(e.data,e.offset);return e.offset=n,t}function _v(e,t){let n=hv(e);if(n>t)throw Error(`Expected value <= ${t}, but received: ${n}`);return n}function vv(e){let{offset:t,data:n}=e;if(t+1>n.byteLength)throw Error(`Unexpected EOF`);return e.offset+=1,n.getUint8(t)}function yv(e){let{offset:t,data:n}=e;if(t+4>n.byteLength)throw Error(`Unexpected EOF`);return e.offset+=4,n.getInt32(t,!0)}function bv(e){let{offset:t,data:n}=e;if(t+8>n.byteLength)throw Error(`Unexpected EOF`);return e.offset+=8,n.getBigUint64(t,!0)}function xv(e){if(e.offset!==e.data.byteLength)throw Error(`Expected EOF at byte ${e.offset}`)}function Sv(e){return(t,n,r)=>{let i=[];for(let a=0;a<n;++a)i[a]=e(t,r);return i}}function Cv(e,t){let n=Object.keys(t),r=[];for(let i=0;i<e;++i){let e=Object.fromEntries(n.map(e=>[e,t[e][i]]));r[i]=e}return r}function wv(e,t){return(n,r,i)=>{let a=Cv(r,Object.fromEntries(Object.entries(e).map(([e,t])=>[e,t(n,r,i)])));if(t!==void 0)for(let e=0;e<r;++e)t?.(a[e],i);return a}}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const Tv=/* @__PURE__ */ new Uint8Array;function Ev(e,t){let n=Math.min(e.length,t.length);for(let r=0;r<n;++r){let n=e[r]-t[r];if(n!==0)return n}return e.length-t.length}function Dv(e,t){let n=Math.min(e.length,t.length);for(let r=0;r<n;++r){let n=e[r]-t[r];if(n!==0)return{offset:r,difference:n}}return{offset:n,difference:e.length-t.length}}function Ov(...e){let t=0;for(let n of e)t+=n.length;let n=new Uint8Array(t),r=0;for(let t of e)n.set(t,r),r+=t.length;return n}function kv(e,t){return e.length>=t.length&&Dv(e,t).offset===t.length}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function Av(e,t){let{dataFileTable:n}=t,r=hv(e);if(r>=n.length)throw Error(`Invalid data file index ${r}, expected value <= ${n.length}`);return n[r]}const jv=wv({dataFile:Sv(Av),offset:Sv(gv),length:Sv(gv)},(e,t)=>{if(Mv(e)){if(t.allowMissing!==!0)throw Error(`Reference to missing value not allowed`)}else if(e.offset+e.length>BigInt(2**53-1))throw Error(`Offset=${e.offset} + length=${e.length} exceeds maximum of ${2**53-1}`)});function Mv(e){return e.offset===18446744073709551615n&&e.length===18446744073709551615n}const Nv=65535;function Pv(e,t){let n=hv(e),r=new Uint16Array(n*3);for(let t=1,i=n*3;t<i;++t)r[t]=_v(e,Nv);let i=[],a=Tv,o=Tv,s=new TextDecoder(`utf-8`,{fatal:!0});for(let c=0;c<n;++c){let l=r[c],u=r[c+n],d=r[c+2*n],f=l+u;if(f>Nv)throw Error(`path_length[${c} = prefix_length(${l}) + suffix_length(${u}) = ${f} > ${Nv}`);if(d>f)throw Error(`base_path_length[${c}] = ${d} > path_length(${f}) = prefix_length(${l}) + suffix_length(${u})`);if(l>Math.min(a.length,d)&&d!==a.length)throw Error(`path_prefix_length[${c-1}] = ${l} > min(base_path_length[${c-1}] = ${a.length}, base_path_length[${c}] = ${d}) is not valid if base_path_length[${c-1}] != base_path_length[${c}]`);let p=l+u-d,m,h;if(d===0)m=t,a=Tv;else if(l>=d)m=i[c-1].baseUrl;else{let n=new Uint8Array(d),r=0,i=Math.max(d-l,0);if(l>0){let e=Math.min(l,d);n.set(a.subarray(0,e)),r=e,l-=e}i!==0&&(n.set(mv(e,i),r),u-=i),m=pi(t,s.decode(n)),a=n}if(p===0)h=``,o=Tv;else if(u===0&&p===o.length)h=i[c-1].relativePath;else{let t=new Uint8Array(p),n=0;l!==0&&(t.set(o.subarray(0,l),0),n+=l),u>0&&t.set(mv(e,u),n),h=s.decode(t),o=t}i[c]={baseUrl:m,relativePath:h}}return i}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const Fv=1048576;async function Iv(e,t,n){try{let{reader:r}=await pv(e,215687390,0,n),i=vv(r),a=Pv(r,t),o=hv(r);if(o===0)throw Error(`Empty b+tree node`);if(o>Fv)throw Error(`B+tree node has arity ${o}, which exceeds limit of ${Fv}`);return{height:i,...i===0?Hv(r,a,o):Uv(r,a,o),estimatedSize:r.data.byteLength*3}}catch(e){throw Error(`Error decoding OCDBT b+tree node`,{cause:e})}}const Lv=65535;function Rv(e){return _v(e,Lv)}function zv(e,t,n){let r=new Uint16Array(t*2);for(let t=1,n=r.length;t<n;++t)r[t]=Rv(e);let i=r[t];for(let e=1;e<t;++e)i=Math.min(i,r[e]);let a;if(n){a=new Uint16Array(t);for(let n=0;n<t;++n){let t=a[n]=Rv(e);i=Math.min(i,t)}}i=Math.min(r[t],i);for(let e=0,o=0;e<t;++e){let s=r[e];if(s>o)throw Error(`Child ${e}: Prefix length of ${s} exceeds previous key length ${o}`);let c=s+r[e+t];if(c>Lv)throw Error(`Child ${e}: Key length ${c} exceeds limit of ${Lv}`);if(n){let t=a[e];if(t>c)throw Error(`Child ${e}: subtree common prefix length of ${t} exceeds key length of ${c}`);a[e]-=i}o=c}let o=Array(t),s;{let n=r[t],a=mv(e,n);s=a.slice(0,i),o[0]=a.slice(i)}for(let n=1;n<t;++n){let a=r[n]-i,s=r[n+t],c=mv(e,s),l=o[n-1];if(Ev(l.subarray(a),c)>=0)throw Error(`Invalid key order`);let u=new Uint8Array(a+s);u.set(l.subarray(0,a)),u.set(c,a),o[n]=u}return{keys:o,subtreeCommonPrefixLengths:a,commonPrefix:s}}const Bv=1048576;function Vv(e,t,n){let r=Sv(gv)(e,n,{}),i=mv(e,n);for(let e=0;e<n;++e){let t=i[e];if(t>1)throw Error(`value_kind[${e}]=${t} is outside valid range [0, 1]`);if(t===0){let t=r[e];if(t>BigInt(Bv))throw Error(`value_length[${e}]=${t} exceeds maximum of ${Bv} for an inline value`)}}let a=Array(n);for(let o=0;o<n;++o){if(i[o]!==1)continue;let n=Av(e,{dataFileTable:t});a[o]={dataFile:n,offset:0n,length:r[o]}}for(let t=0;t<n;++t){if(i[t]!==1)continue;let n=gv(e);a[t].offset=n}for(let t=0;t<n;++t)i[t]===0&&(a[t]=mv(e,Number(r[t])));return a}function Hv(e,t,n){let{keys:r,commonPrefix:i}=zv(e,n,!1);return{keyPrefix:i,entries:Cv(n,{key:r,value:Vv(e,t,n)})}}function Uv(e,t,n){let{keys:r,commonPrefix:i,subtreeCommonPrefixLengths:a}=zv(e,n,!0);return{keyPrefix:i,entries:Cv(n,{key:r,subtreeCommonPrefixLength:a,node:Wv(e,n,{dataFileTable:t})})}}const Wv=wv({location:jv,statistics:wv({numKeys:Sv(gv),numTreeBytes:Sv(gv),numIndirectValueBytes:Sv(gv)})});function Gv(e,t,n){if(e.height!==t)throw Error(`Expected height of ${t} but received ${e.height}`);let{keyPrefix:r}=e;if(n.length<r.length){if(Ev(r,n)>=0)return}else if(Ev(r,n.subarray(0,r.length))>=0&&Ev(e.entries[0].key,n.subarray(r.length))>=0)return;throw Error(`First key [${r}]+[${e.entries[0].key}] < inclusive_min [${n}] specified by parent node`)}function Kv(e,t){let n=Nn(0,e.length,n=>Ev(e[n].key,t)>0);return Math.max(0,n-1)}function qv(e,t){return Nn(0,e.length,n=>Ev(e[n].key,t)>=0)}function Jv(e,t){let n=Kv(e,t);return[n,Yv(e,n,e.length,t)]}function Yv(e,t,n,r){return t===n||r.length===0?n:Nn(t,n,t=>{let{offset:n,difference:i}=Dv(r,e[t].key);return i<0&&n<r.length})}function Xv(e,t){let n=qv(e,t);return[n,Yv(e,n,e.length,t)]}function Zv(e,t){let n=Mn(e,t,(e,t)=>Ev(e,t.key));if(!(n<0))return e[n]}function Qv(e,t){let n=Nn(0,e.length,n=>Ev(e[n].key,t)>0);if(n===0)return;let r=e[n-1],{subtreeCommonPrefixLength:i}=r;if(i===0||kv(t,r.key.subarray(0,i)))return r}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function $v(e,t,n){let r=_v(e,2**t),i=uy(e,r,{allowMissing:!0,dataFileTable:n});return ty(i,t),i}function ey(e,t,n,r){let i=ly(t);if(r>i)throw Error(`height=${r} exceeds maximum of ${i} for version_tree_arity_log2=${t}`);let a=cy(e,n,2**t,r-1);return ny(a,t,r),a}function ty(e,t){let n=2**t;if(e.length===0||e.length>n)throw Error(`num_children=${e.length} outside valid range [1, ${n}]`);for(let[t,n]of e.entries()){if(Mv(n.root.location)){if(n.rootHeight!==0)throw Error(`non-zero root_height=${n.rootHeight} for empty generation ${n.generationNumber}`);let{statistics:e}=n.root;if(e.numKeys!==0n||e.numTreeBytes!==0n||e.numIndirectValueBytes!==0n)throw Error(`non-zero statistics for empty generation_number[${t}]=${n.generationNumber}`)}if(n.generationNumber===0n)throw Error(`generation_number[${t}] must be non-zero`);if(t!==0&&n.generationNumber<=e[t-1].generationNumber)throw Error(`generation_number[${t}]=${n.generationNumber} <= generation_number[${t-1}]=${e[t-1].generationNumber}`)}let r=e.at(-1).generationNumber,i=e[0].generationNumber,a=ry(t,0,r);if(i<a)throw Error(`Generation range [${i}, ${r}] exceeds maximum of [${a}, ${r}]`)}function ny(e,t,n){let r=2**t;if(e.length===0||e.length>r)throw Error(`num_children=${e.length} outside valid range [1, ${r}]`);let i=1n<<BigInt(t*n);for(let[t,n]of e.entries()){if(n.generationNumber===0n)throw Error(`generation_number[${t}] must be non-zero`);if(t!==0){let r=e[t-1];if(n.generationNumber<=r.generationNumber)throw Error(`generation_number[${t}]=${n.generationNumber} >= generation_number[${t-1}]=${r.generationNumber}`);if((n.generationNumber-1n)/i==(r.generationNumber-1n)/i)throw Error(`generation_number[${t}]=${n.generationNumber} should be in the same child node as generation_number[${t-1}]=${r.generationNumber}`)}if(n.generationNumber%i!==0n)throw Error(`generation_number[${t}]=${n.generationNumber} is not a multiple of ${i}`);if(n.numGenerations>i)throw Error(`num_generations[${t}]=${n.numGenerations} for generation_number=${n.generationNumber} is greater than ${i}`)}let a=1n<<BigInt(t),o=e.at(-1);if((o.generationNumber-1n)/i/a!=(e[0].generationNumber-1n)/i/a)throw Error(`generation_number[0]=${e[0].generationNumber} cannot be in the same node as generation_number[${e.length-1}]=${o.generationNumber}`)}function ry(e,t,n){return n-(n-1n)%(1n<<BigInt(e*(t+1)))}function iy(e){let t=vv(e);if(t===0||t>16)throw Error(`Expected version_tree_arity_log2 in range [1, 16] but received: ${t}`);return t}async function ay(e,t,n){try{let{reader:r}=await pv(e,215683636,0,n),i=iy(r),a=vv(r),o=Pv(r,t);return{versionTreeArityLog2:i,height:a,entries:a===0?$v(r,i,o):ey(r,i,o,a),estimatedSize:r.data.byteLength*3}}catch(e){throw Error(`Error decoding OCDBT version tree node`,{cause:e})}}const oy=wv({generationNumber:Sv(gv),location:jv,numGenerations:Sv(gv),commitTime:Sv(bv),height:Sv((e,{height:t})=>t===void 0?vv(e):t),cumulativeNumGenerations:Sv(()=>0n)});function sy(e){let t=0n;for(let n of e)t+=n.numGenerations,n.cumulativeNumGenerations=t}function cy(e,t,n,r){let i=_v(e,n),a=oy(e,i,{dataFileTable:t,height:r});return sy(a),a}function ly(e){return Math.floor(63/e)-1}const uy=wv({generationNumber:Sv(gv),rootHeight:Sv(vv),root:Wv,commitTime:Sv(bv)});function dy(e,t){return`generationNumber`in e?Kt(e.generationNumber,t.generationNumber):Kt(e.commitTime,t.commitTime)}function fy(e,t,n){if(`generationNumber`in n)return py(t,n.generationNumber);if(`generationIndex`in n){let{generationIndex:r}=n;return r-=e,r<0n?-1:r>=BigInt(t.length)?t.length:Number(r)}return my(t,n.commitTime)}function py(e,t){let n=Mn(e,t,(e,t)=>Kt(e,t.generationNumber));return n<0?e.length:n}function my(e,t){let n=Nn(0,e.length,n=>e[n].commitTime>t);return n===0?e.length:n-1}function hy(e,t,n){if(`generationIndex`in n){let r=n.generationIndex-e;return r<0n?0:r>BigInt(t.length)?t.length:Number(r)}return Nn(0,t.length,e=>dy(n,t[e])<=0)}function gy(e,t,n,r){return`generationIndex`in r?n[_y(n,r.generationIndex-t)]:`generationNumber`in r?vy(e,n,r.generationNumber):yy(n,r.commitTime)}function _y(e,t){return Nn(0,e.length,n=>e[n].cumulativeNumGenerations>t)}function vy(e,t,n){let r=Nn(0,t.length,e=>t[e].generationNumber>=n);if(r===t.length)return;let i=t[r];if(!(ry(e,i.height,i.generationNumber)>n))return i}function yy(e,t){let n=Nn(0,e.length,n=>e[n].commitTime>t);if(n!==0)return e[n-1]}function by(e,t,n,r){return`generationIndex`in r?_y(n,r.generationIndex-t):`generationNumber`in r?xy(e,n,r.generationNumber):Sy(n,r.commitTime)}function xy(e,t,n){return Nn(0,t.length,r=>{let i=t[r];return ry(e,i.height,i.generationNumber)>=n})}function Sy(e,t){let n=Nn(0,e.length,n=>e[n].commitTime>t);return Math.max(0,n-1)}function Cy(e,t,n){return`generationIndex`in n?wy(t,n.generationIndex-e):`generationNumber`in n?Ty(t,n.generationNumber):Sy(t,n.commitTime)}function wy(e,t){return Nn(0,e.length,n=>{let r=e[n];return r.cumulativeNumGenerations-r.numGenerations>=t})}function Ty(e,t){return Nn(0,e.length,n=>e[n].generationNumber>=t)}function Ey(e,t,n,r,i){if(e.height!==r)throw Error(`Expected height of ${r} but received: ${e.height}`);if(e.versionTreeArityLog2!==t.versionTreeArityLog2)throw Error(`Expected version_tree_arity_log2=${t.versionTreeArityLog2} but received: ${e.versionTreeArityLog2}`);let{generationNumber:a}=e.entries.at(-1);if(a!==n)throw Error(`Expected generation number ${n} but received: ${a}`);let o=e.height===0?BigInt(e.entries.length):e.entries.at(-1).cumulativeNumGenerations;if(o!==i)throw Error(`Expected ${i}, but received: ${o}`)}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function Dy(e){let t=mv(e,16).slice(),n=hv(e);if(n>1)throw Error(`Unknown manifest kind: ${n}`);let r=hv(e),i=hv(e),a=iy(e),o=hv(e),s;switch(o){case fv.UNCOMPRESSED:break;case fv.ZSTD:s=yv(e);break;default:throw Error(`Invalid compression method: ${o}`)}return{uuid:t,manifestKind:n,maxInlineValueBytes:r,maxDecodedNodeBytes:i,versionTreeArityLog2:a,compressionMethod:o,zstdLevel:s}}function Oy(e,t,n){let r=Pv(e,n),i=$v(e,t.versionTreeArityLog2,r),a=ky(e,t.versionTreeArityLog2,r,i.at(-1).generationNumber);return{inlineVersions:i,versionTreeNodes:a,numGenerations:BigInt(i.length)+(a.at(-1)?.cumulativeNumGenerations??0n)}}function ky(e,t,n,r){let i=cy(e,n,ly(t),void 0);return Ay(t,r,i),i}function Ay(e,t,n){let r=ly(e);for(let[e,t]of n.entries()){if(t.height===0||t.height>r)throw Error(`entry_height[${e}]=${t.height} outside valid range [1, ${r}]`);if(t.generationNumber===0n)throw Error(`generation_number[${e}] must be non-zero`);if(e>0){let r=n[e-1];if(t.generationNumber<=r.generationNumber)throw Error(`generation_number[${e}]=${t.generationNumber} <= generation_number[${e-1}]=${r.generationNumber}`);if(t.height>=r.height)throw Error(`entry_height[${e}]=${t.height} >= entry_height[${e-1}]=${r.height}`)}}let i=n.length;for(let{minGenerationNumber:r,maxGenerationNumber:a,height:o}of jy(t,e)){if(i===0)break;let e=n[i-1];if(e.height!==o)continue;--i;let{generationNumber:t}=e;if(t<r||t>a)throw Error(`generation_number[${i}]=${t} is outside expected range [${r}, ${a}] for height ${o}`)}if(i!==0)throw Error(`Unexpected child with generation_number[${i-1}]=${n[i-1].generationNumber} and entry_height=${n[i-1].height} given last generation_number=${t}`)}function jy(e,t){e=e-1n>>BigInt(t)<<BigInt(t);let n=1,r=[];for(;e!==0n;){let i=BigInt((n+1)*t),a=e-1n>>i<<i,o=a+1n;r.push({minGenerationNumber:o,maxGenerationNumber:e,height:n}),++n,e=a}return r}async function My(e,t,n){try{let{reader:r}=await pv(e,215693866,0,n),i=Dy(r),a=i.manifestKind===0?Oy(r,i,t):void 0;return xv(r),{config:i,versionTree:a,estimatedSize:r.data.byteLength*3}}catch(e){throw Error(`Error decoding OCDBT manifest`,{cause:e})}}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var Ny=(e,t)=>(t=Symbol[e])?t:Symbol.for(`Symbol.`+e),Py=e=>{throw TypeError(e)},Fy=(e,t,n)=>{if(t!=null){typeof t!=`object`&&typeof t!=`function`&&Py(`Object expected`);var r,i;n&&(r=t[Ny(`asyncDispose`)]),r===void 0&&(r=t[Ny(`dispose`)],n&&(i=r)),typeof r!=`function`&&Py(`Object not disposable`),i&&(r=function(){try{i.call(this)}catch(e){return Promise.reject(e)}}),e.push([n,r,t])}else n&&e.push([n]);return t},Iy=(e,t,n)=>{var r=typeof SuppressedError==`function`?SuppressedError:function(e,t,n,r){return r=Error(n),r.name=`SuppressedError`,r.error=e,r.suppressed=t,r},i=e=>t=n?new r(e,t,`An error was suppressed during disposal`):(n=!0,e),a=r=>{for(;r=e.pop();)try{var o=r[1]&&r[1].call(r[2]);if(r[0])return Promise.resolve(o).then(a,e=>(i(e),a()))}catch(e){i(e)}if(n)throw t};return a()};function Ly(e,t,n){return e.chunkManager.memoize.get(`ocdbt:manifest`,()=>{let t=new Vd(e.chunkManager.addRef(),{get:async(t,n)=>{var r=[];try{let i=pi(t.baseUrl,t.relativePath);Fy(r,new mt(n.progressListener,{message:`Reading OCDBT manifest from ${i}`}));let a=await e.kvStoreContext.read(i,{...n,throwIfMissing:!0});try{let e=await My(await a.response.arrayBuffer(),t.baseUrl,n.signal);return{data:e,size:e.estimatedSize}}catch(e){throw Error(`Error reading OCDBT manifest from ${i}`,{cause:e})}}catch(e){var i=e,a=!0}finally{Iy(r,i,a)}}});return t.registerDisposer(e.addRef()),t}).get(t,n)}async function Ry(e,t,n){let r=await Ly(e,{baseUrl:t,relativePath:`manifest.ocdbt`},n);if(r.versionTree===void 0)throw Error(`only manifest_kind=single is supported`);return r}function zy(e,t,n){let r=new Vd(e.chunkManager.addRef(),{get:async(r,i)=>{let{dataFile:a}=r,o=pi(a.baseUrl,a.relativePath),s=await e.kvStoreContext.read(o,{...i,throwIfMissing:!0,byteRange:{offset:Number(r.offset),length:Number(r.length)}});try{let e=await n(await s.response.arrayBuffer(),a.baseUrl,i.signal);return{data:e,size:e.estimatedSize}}catch(e){throw Error(`Error reading OCDBT ${t} from ${o}`,{cause:e})}},encodeKey:({dataFile:e,offset:t,length:n})=>JSON.stringify([e,`${t}/${n}`])});return r.registerDisposer(e.addRef()),r}function By(e,t,n){return e.chunkManager.memoize.get(`ocdbt:btree`,()=>zy(e,`b+tree node`,Iv)).get(t,n)}function Vy(e,t,n){return e.chunkManager.memoize.get(`ocdbt:versionnode`,()=>zy(e,`version tree node`,ay)).get(t,n)}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
async function Hy(e,t,n,r){let i=[],a=/* @__PURE__ */ new Set;return Mv(t.root.location)||await Uy(t.root,t.rootHeight,Tv,0,{sharedKvStoreContext:e,prefix:n,entries:i,directories:a,signal:r.signal,progressListener:r.progressListener}),si({entries:i,directories:Array.from(a)})}async function Uy(e,t,n,r,i){i.signal?.throwIfAborted();let a=await By(i.sharedKvStoreContext,e.location,i);Gv(a,t,n.subarray(r));let o=Ov(n.subarray(0,r),a.keyPrefix),s=e=>{try{i.directories.add(new TextDecoder(`utf-8`,{fatal:!0}).decode(e))}catch{}},{prefix:c}=i;{let{offset:e,difference:t}=Dv(c,o);if(t!==0&&e<Math.min(c.length,o.length))return}if(c.length<o.length){let e=o.indexOf(47,c.length);if(e!==-1){s(o.subarray(0,e));return}}let l=c.subarray(o.length);if(a.height>0){let e=a.entries,[n,r]=Jv(e,l),c=[];for(let a=n;a<r;){let n=e[a];++a;let{key:u}=n,{subtreeCommonPrefixLength:d}=n;if(d>l.length){let t=u.indexOf(47,l.length);if(t!==-1){let n=u.subarray(0,t);s(Ov(o,n)),a=Yv(e,a,r,n);continue}}c.push(Uy(n.node,t-1,Ov(o,n.key),o.length+n.subtreeCommonPrefixLength,i))}await Promise.all(c)}else{let e=a.entries,[t,n]=Xv(e,l);for(let r=t;r<n;){let t=e[r];++r;let{key:a}=t,c=a.indexOf(47,l.length);if(c!==-1)s(Ov(o,a.subarray(0,c))),r=Yv(e,r,n,a.subarray(0,c+1));else try{i.entries.push({key:new TextDecoder(`utf-8`,{fatal:!0}).decode(Ov(o,a))})}catch{}}}}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
async function Wy(e,t,n,r){if(!Mv(t.root.location))return await Gy(e,t.root,t.rootHeight,Tv,n,r)}async function Gy(e,t,n,r,i,a){for(;;){let o=await By(e,t.location,a);if(Gv(o,n,r),!kv(i,o.keyPrefix))return;if(o.height===0)return Zv(o.entries,i);let s=Qv(o.entries,i);if(s===void 0)return;let{subtreeCommonPrefixLength:c}=s;i=i.subarray(c),t=s.node,r=s.key.subarray(c),--n}}async function Ky(e,t,n){let{value:r}=t;if(r instanceof Uint8Array)return ld(r,n.byteRange);let{offset:i,length:a,dataFile:{baseUrl:o,relativePath:s}}=r,{store:c,path:l}=e.kvStoreContext.getKvStore(o);return await new ud(new oi(c,l+s),{offset:Number(i),length:Number(a)}).read(n)}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function qy(e){if(e===void 0)return`HEAD`;if(`generationNumber`in e)return`v${e.generationNumber}`;let{commitTime:t}=e;return Zy(t)}function Jy(e){if(e===void 0)return;let t=e.match(/^(?:v([1-9]\d*)|(?:\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d*)?Z))$/);if(t===null)throw Error(`Invalid OCDBT version specifier: ${JSON.stringify(e)}`);let[,n]=t;if(n!==void 0){let e=BigInt(n);if(e>18446744073709551615n)throw Error(`Invalid generation number: ${e}`);return{generationNumber:e}}return{commitTime:Yy(e)}}function Yy(e){let t=e.match(/^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:(\.\d*))?Z$/);if(t===null)throw Error(`Invalid commit timestamp: ${JSON.stringify(e)}`);let[,n,r]=t;return Xy(Date.parse(n+`Z`),r)}function Xy(e,t){let n=BigInt(e)*1000000n;if(t!==void 0&&t.length>1){let e=Number(t);n+=BigInt(Math.min(999999999,Math.round(e*1e9)))}return n}function Zy(e){let t=e%1000000000n,n=e/1000000000n;t<0n&&(t+=1000000000n,n-=1n);let r=(/* @__PURE__ */ new Date(Number(n)*1e3)).toISOString();if(r.length!==24)throw Error(`Invalid commit time: ${e} -> ${r}`);return r=r.slice(0,19),t!==0n&&(r+=`.`+t.toString().padStart(9,`0`).replace(/0+$/,``)),r+=`Z`,r}const Qy=/* @__PURE__ */ RegExp(`^(\\d{0,4})(?:(?<=\\d{4})-(\\d{0,2})(?:(?<=\\d{2})-(\\d{0,2})(?:(?<=\\d{2})T(\\d{0,2})(?:(?<=\\d{2}):(\\d{0,2})(?:(?<=\\d{2}):(\\d{0,2})(?:(?<=\\d{2})(\\.\\d*)?(Z)?)?)?)?)?)?)?$`);function $y(e,t,n,r,i){t??=``;let a=parseInt(t.padEnd(n,`0`),10),o=parseInt(t.padEnd(n,`9`),10);if(a>i)throw Error(`Invalid ${e} prefix: ${t}`);return[Math.max(r,a),Math.min(i,o)]}function eb(e,t){let n=/* @__PURE__ */ new Date(0);return n.setUTCFullYear(e),n.setUTCMonth(t),n.setUTCDate(0),n.getUTCDate()}function tb(e){let t=e.match(Qy);if(t===null)throw Error(`Expected prefix of ISO-8601 "YYYY-MM-DDThh:mm:ss.sssssssssZ" format, but received: ${JSON.stringify(e)}`);let n=$y(`year`,t[1],4,0,9999),r=$y(`month`,t[2],2,1,12),i=eb(n[1],r[1]),a=$y(`day`,t[3],2,1,i),o=$y(`hour`,t[4],2,0,23),s=$y(`minute`,t[5],2,0,59),c=$y(`second`,t[6],2,0,59),l=t[7]??`.`,u=t[8],d=l.padEnd(10,`0`),f=[d,u===void 0?l.padEnd(10,`9`):d];function p(e){let t=/* @__PURE__ */ new Date(0);return t.setUTCFullYear(n[e]),t.setUTCMonth(r[e]-1),t.setUTCDate(a[e]),t.setUTCHours(o[e]),t.setUTCMinutes(s[e]),t.setUTCSeconds(c[e]),Xy(t.getTime(),f[e])}return[p(0),p(1)]}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
async function nb(e,t,n,r){return e.chunkManager.memoize.get(`ocdbt:version`,()=>{let t=new Vd(e.chunkManager.addRef(),{get:async({url:t,version:n},i)=>{let a=await rb(e,await Ry(e,t,i),n,r);if(a===void 0)throw Error(`Version ${qy(n)} not found`);return{data:a.ref,size:0}},encodeKey:({url:e,version:t})=>{let n;return t!==void 0&&(n=qy(t)),JSON.stringify([e,n])}});return t.registerDisposer(e.addRef()),t}).get({url:t,version:n},r)}async function rb(e,t,n,r){let{versionTree:i}=t;if(n===void 0){let{versionTreeNodes:e,inlineVersions:t}=i,n=t.length-1;return{ref:t[n],generationIndex:(e.at(-1)?.cumulativeNumGenerations??0n)+BigInt(n)}}let{ref:a,generationIndex:o}=await cb(e,t,n,r);if(a!==void 0)return{ref:a,generationIndex:o}}async function ib(e,t,n,r){let{generationIndex:i}=await lb(e,t,n,r);return i}async function ab(e,t,n,r){let{generationIndex:i}=await ub(e,t,n,r);return i}function ob(e){let{isInline:t,findInLeaf:n,findInInterior:r}=e;async function i(e,i,o,s){let{config:c,versionTree:l}=i,u=l.versionTreeNodes.at(-1)?.cumulativeNumGenerations??0n,{inlineVersions:d}=l;if(t(c,u,d,o)){let e=n(c,u,d,o);return{ref:d[e],generationIndex:u+BigInt(e)}}let{versionTreeNodes:f}=l;if(f.length===0)return{ref:void 0,generationIndex:0n};let p=r(c,0n,f,o);return p===void 0?{ref:void 0,generationIndex:0n}:await a(e,i.config,0n+p.cumulativeNumGenerations-p.numGenerations,p,o,s)}async function a(e,t,i,a,o,s){for(;;){let c=await Vy(e,a.location,s);if(Ey(c,t,a.generationNumber,a.height,a.numGenerations),c.height===0){let e=c.entries,r=n(t,i,e,o);return{ref:e[r],generationIndex:i+BigInt(r)}}let l=r(t,i,c.entries,o);if(l===void 0)return{ref:void 0,generationIndex:i};a=l,i+=a.cumulativeNumGenerations-a.numGenerations}}return i}function sb(e,t,n){return`generationIndex`in n?n.generationIndex>=e:dy(n,t[0])>=0}const cb=ob({isInline(e,t,n,r){return sb(t,n,r)},findInLeaf(e,t,n,r){return fy(t,n,r)},findInInterior(e,t,n,r){return gy(e.versionTreeArityLog2,t,n,r)}}),lb=ob({isInline(e,t,n,r){return sb(t,n,r)},findInLeaf(e,t,n,r){return hy(t,n,r)},findInInterior(e,t,n,r){return n[by(e.versionTreeArityLog2,t,n,r)]}}),ub=ob({isInline(e,t,n,r){return sb(t,n,r)},findInLeaf(e,t,n,r){return hy(t,n,r)},findInInterior(e,t,n,r){return n[Cy(t,n,r)]}});
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function db(e,t){let{version:n,baseUrl:r}=e;return r+`|ocdbt:${n===void 0?``:`@${qy(n)}/`}${xi(t)}`}function fb(e,t){gi(e);try{let[,n,r]=(e.suffix??``).match(/^(?:@([^/]*)(?:\/|$))?(.*)$/);return{baseUrl:t.store.getUrl(hi(t.path)),version:Jy(n),path:decodeURIComponent(r)}}catch(t){throw Error(`Invalid URL: ${e.url}`,{cause:t})}}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var pb=class{constructor(e,t,n){this.sharedKvStoreContext=e,this.baseUrl=t,this.version=n}root;async getRoot(e){let{root:t}=this;return t===void 0&&(t=this.root=await nb(this.sharedKvStoreContext,this.baseUrl,this.version,e)),t}getUrl(e){return db(this,e)}async stat(e,t){let n=await this.getRoot(t),r=new TextEncoder().encode(e),i=await Wy(this.sharedKvStoreContext,n,r,t);if(i===void 0)return;let{value:a}=i;return{totalSize:Number(a.length)}}async read(e,t){let n=await this.getRoot(t),r=new TextEncoder().encode(e),i=await Wy(this.sharedKvStoreContext,n,r,t);if(i!==void 0)return await Ky(this.sharedKvStoreContext,i,t)}async list(e,t){let n=await this.getRoot(t),r=new TextEncoder().encode(e);return await Hy(this.sharedKvStoreContext,n,r,t)}get supportsOffsetReads(){return!0}get supportsSuffixReads(){return!0}};
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
async function mb(e,t,n){let{inclusiveMin:r,exclusiveMax:i}=n,a=r===void 0?{generationIndex:0n}:r,o=i===void 0?{generationIndex:t.versionTree.numGenerations}:i,{config:s,versionTree:c}=t,{versionTreeArityLog2:l}=s,u,d=[];f(c.versionTreeNodes.at(-1)?.cumulativeNumGenerations??0n,c.inlineVersions),await p(0n,c.versionTreeNodes);function f(e,t){let n=hy(e,t,a),r=hy(e,t,o),i=e+BigInt(n);(u===void 0||i<u)&&(u=i);for(let e=n;e<r;++e)d.push(t[e])}async function p(e,t){n.signal?.throwIfAborted();let r=by(l,e,t,a),i=Cy(e,t,o),s=[];for(let n=r;n<i;++n){let r=t[n];s.push(m(e+r.cumulativeNumGenerations-r.numGenerations,r))}await Promise.all(s)}async function m(t,r){let i=await Vy(e,r.location,n);Ey(i,s,r.generationNumber,r.height,r.numGenerations),i.height===0?f(t,i.entries):await p(t,i.entries)}return d.sort((e,t)=>Kt(e.generationNumber,t.generationNumber)),{generationIndex:u??0n,versions:d}}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
async function hb(e,t,n,r,i,a){if(r<=n+i){let{versions:i}=await mb(e,t,{inclusiveMin:{generationIndex:n},exclusiveMax:{generationIndex:r},...a});return i}let[{versions:o},{versions:s}]=await Promise.all([n,r-i/2n].map(n=>mb(e,t,{inclusiveMin:{generationIndex:n},exclusiveMax:{generationIndex:n+i/2n},...a})));return[...o,...s]}async function gb(e,t){let{url:n}=t,r=n.suffix??``;if(r===``)return{offset:0,completions:[{value:`@`,description:`Version specifier`}]};let i=r.match(/^@([^/]*)((?:\/|$).*)/);if(i===null)return;let[,a,o]=i;if(o!==``){Jy(a);return}let{base:s}=t,c=s.store.getUrl(hi(s.path));if(!a.startsWith(`v`)){let[n,r]=tb(a),i={signal:t.signal,progressListener:t.progressListener},o=await Ry(e,c,i),[s,l]=await Promise.all([ib(e,o,{commitTime:n},i),ab(e,o,{commitTime:r+1n},i)]),u=(await hb(e,o,s,l,100n,{signal:t.signal,progressListener:t.progressListener})).map(e=>({value:`${Zy(e.commitTime)}/`,description:`v${e.generationNumber}`}));return u.reverse(),{offset:1,completions:u}}if(a===`v`){let{base:n}=t,r=(await Ry(e,n.store.getUrl(n.path),t)).versionTree.inlineVersions.map(e=>({value:`v${e.generationNumber}/`,description:Zy(e.commitTime)}));return r.reverse(),{offset:1,completions:r}}return{offset:1,completions:[{value:`${a}/`}]}}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function _b(e){return{scheme:`ocdbt`,description:`OCDBT database`,getKvStore(t,n){let{baseUrl:r,version:i,path:a}=fb(t,n);return{store:new pb(e,r,i),path:a}},completeUrl(t){return gb(e,t)}}}Ii.registerKvStoreAdapterProvider(_b);
/**
* @license
* Copyright 2019 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const vb=[`http://doc.s3.amazonaws.com/2006-03-01/`,`http://s3.amazonaws.com/doc/2006-03-01/`];function yb(e){return vb.includes(e.namespaceURI)&&e.tagName===`ListBucketResult`}async function bb(e,t,n,r){try{let i=await n(`${e}?list-type=2&prefix=${encodeURIComponent(t)}&delimiter=%2F&encoding-type=url`,{headers:{accept:`application/xml,text/xml`},signal:r.signal,progressListener:r.progressListener}),a=i.headers.get(`content-type`);if(a===null||/\b(application\/xml|text\/xml|text\/html)\b/i.exec(a)===null)throw Error(`Expected XML content-type but received: ${a}`);let o=await i.text(),s=new DOMParser().parseFromString(o,`application/xml`),{documentElement:c}=s;if(!yb(c))throw Error(`Received unexpected XML root element <${c.tagName} xmlns="${c.namespaceURI}">`);let l=c.namespaceURI,u=()=>l,d=s.evaluate(`//CommonPrefixes/Prefix`,s,u,XPathResult.UNORDERED_NODE_SNAPSHOT_TYPE,null),f=[];for(let e=0,t=d.snapshotLength;e<t;++e){let t=d.snapshotItem(e).textContent;t!==null&&(t=decodeURIComponent(t),f.push(t.substring(0,t.length-1)))}let p=[],m=s.evaluate(`//Contents/Key`,s,u,XPathResult.UNORDERED_NODE_SNAPSHOT_TYPE,null);for(let e=0,t=m.snapshotLength;e<t;++e){let t=m.snapshotItem(e).textContent;t!==null&&p.push({key:decodeURIComponent(t)})}return{directories:f,entries:p}}catch(e){throw Error(`S3-compatible listing not supported`,{cause:e})}}function xb(e,t,n){let{baseUrl:r,path:i}=Ci(e);return bb(r,i,t,n)}function Sb(e){let t=new URL(e),n=t.pathname.match(/^\/([^/]+)(?:\/(.*))$/);if(n===null)return;let[,r,i]=n;return{bucketUrl:`${t.origin}/${r}/${t.search}`,bucket:decodeURIComponent(r),prefix:decodeURIComponent(i)}}async function Cb(e,t,n){let r=Sb(e);if(r===void 0)throw Error(`Path-style S3 URL ${JSON.stringify(e)} must specify bucket`);let{bucketUrl:i,bucket:a,prefix:o}=r,s=await bb(i,o,t,n),c=xi(a)+`/`;return{entries:s.entries.map(e=>({key:c+e.key})),directories:s.directories.map(e=>c+e)}}function wb(e){return e.getUncounted(`s3:urlkind`,()=>/* @__PURE__ */ new Map)}async function Tb(e,t,n,r,i){let a=wb(n),o=a.get(t);if(o===`virtual`)return await xb(e,r,i);if(o===`path`)return await Cb(e,r,i);if(o!==null)try{let{result:n,urlKind:o}=await Promise.any([xb(e,r,i).then(e=>({result:e,urlKind:`virtual`})),Cb(e,r,i).then(e=>({result:e,urlKind:`path`}))]);return a.set(t,o),n}catch(e){throw i.signal?.throwIfAborted(),a.set(t,null),Error(`Neither virtual hosted nor path-style S3 listing supported`,{cause:e})}throw Error(`Neither virtual hosted nor path-style S3 listing supported`)}
/**
* @license
* Copyright 2024 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
var Eb=(e,t)=>(t=Symbol[e])?t:Symbol.for(`Symbol.`+e),Db=e=>{throw TypeError(e)},Ob=(e,t,n)=>{if(t!=null){typeof t!=`object`&&typeof t!=`function`&&Db(`Object expected`);var r,i;n&&(r=t[Eb(`asyncDispose`)]),r===void 0&&(r=t[Eb(`dispose`)],n&&(i=r)),typeof r!=`function`&&Db(`Object not disposable`),i&&(r=function(){try{i.call(this)}catch(e){return Promise.reject(e)}}),e.push([n,r,t])}else n&&e.push([n]);return t},kb=(e,t,n)=>{var r=typeof SuppressedError==`function`?SuppressedError:function(e,t,n,r){return r=Error(n),r.name=`SuppressedError`,r.error=e,r.suppressed=t,r},i=e=>t=n?new r(e,t,`An error was suppressed during disposal`):(n=!0,e),a=r=>{for(;r=e.pop();)try{var o=r[1]&&r[1].call(r[2]);if(r[0])return Promise.resolve(o).then(a,e=>(i(e),a()))}catch(e){i(e)}if(n)throw t};return a()},Ab=class{constructor(e,t,n,r,i=js){this.sharedKvStoreContext=e,this.baseUrl=t,this.baseUrlForDisplay=n,this.knownToBeVirtualHostedStyle=r,this.fetchOkImpl=i}stat(e,t){let n=Si(this.baseUrl,e);return vd(this,e,n,t,this.fetchOkImpl)}read(e,t){let n=Si(this.baseUrl,e);return hd(this,e,n,t,this.fetchOkImpl)}list(e,t){var n=[];try{let{progressListener:r}=t;return Ob(n,r===void 0?void 0:new mt(r,{message:`Listing prefix ${this.getUrl(e)}`})),this.knownToBeVirtualHostedStyle?bb(this.baseUrl,e,this.fetchOkImpl,t):Tb(Si(this.baseUrl,e),this.baseUrlForDisplay,this.sharedKvStoreContext.chunkManager.memoize,this.fetchOkImpl,t)}catch(e){var r=e,i=!0}finally{kb(n,r,i)}}getUrl(e){return Si(this.baseUrlForDisplay,e)}get supportsOffsetReads(){return!0}get supportsSuffixReads(){return!0}};function jb(e,t){return{scheme:`s3`,description:`S3 (anonymous)`,getKvStore(n){let r=(n.suffix??``).match(/^\/\/([^/]+)(\/.*)?$/);if(r===null)throw Error("Invalid URL, expected `s3://<bucket>/<path>`");let[,i,a]=r;return{store:new t(e,`https://${i}.s3.amazonaws.com/`,`s3://${i}/`,!0),path:decodeURIComponent((a??``).substring(1))}}}}function Mb(e,t,n){return{scheme:`s3+${t}`,description:`S3-compatible ${t} server`,getKvStore(r){let i=(r.suffix??``).match(/^\/\/([^/]+)(\/.*)?$/);if(i===null)throw Error("Invalid URL, expected `s3+${httpScheme}://<host>/<path>`");let[,a,o]=i;return{store:new n(e,`${t}://${a}/`,`s3+${t}://${a}/`,!1),path:decodeURIComponent((o??``).substring(1))}}}}function Nb(e,t){e.registerBaseKvStoreProvider(e=>jb(e,t));for(let n of[`http`,`https`])e.registerBaseKvStoreProvider(e=>Mb(e,n,t))}
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
Nb(Ii,class extends Ab{list(e,t){return jm(this.sharedKvStoreContext,this.getUrl(e),t)}})
/*! crc32.js (C) 2014-present SheetJS -- http://sheetjs.com */
;var Pb=(/* @__PURE__ */ e((e=>{(function(t){typeof DO_NOT_EXPORT_CRC>`u`?typeof e==`object`?t(e):typeof define==`function`&&define.amd?define(function(){var e={};return t(e),e}):t({}):t({})})(function(e){e.version=`1.2.2`;function t(){for(var e=0,t=Array(256),n=0;n!=256;++n)e=n,e=e&1?-306674912^e>>>1:e>>>1,e=e&1?-306674912^e>>>1:e>>>1,e=e&1?-306674912^e>>>1:e>>>1,e=e&1?-306674912^e>>>1:e>>>1,e=e&1?-306674912^e>>>1:e>>>1,e=e&1?-306674912^e>>>1:e>>>1,e=e&1?-306674912^e>>>1:e>>>1,e=e&1?-306674912^e>>>1:e>>>1,t[n]=e;return typeof Int32Array<`u`?new Int32Array(t):t}var n=t();function r(e){var t=0,n=0,r=0,i=typeof Int32Array<`u`?/* @__PURE__ */ new Int32Array(4096):Array(4096);for(r=0;r!=256;++r)i[r]=e[r];for(r=0;r!=256;++r)for(n=e[r],t=256+r;t<4096;t+=256)n=i[t]=n>>>8^e[n&255];var a=[];for(r=1;r!=16;++r)a[r-1]=typeof Int32Array<`u`?i.subarray(r*256,r*256+256):i.slice(r*256,r*256+256);return a}var i=r(n),a=i[0],o=i[1],s=i[2],c=i[3],l=i[4],u=i[5],d=i[6],f=i[7],p=i[8],m=i[9],h=i[10],g=i[11],_=i[12],v=i[13],y=i[14];function b(e,t){for(var r=t^-1,i=0,a=e.length;i<a;)r=r>>>8^n[(r^e.charCodeAt(i++))&255];return~r}function x(e,t){for(var r=t^-1,i=e.length-15,b=0;b<i;)r=y[e[b++]^r&255]^v[e[b++]^r>>8&255]^_[e[b++]^r>>16&255]^g[e[b++]^r>>>24]^h[e[b++]]^m[e[b++]]^p[e[b++]]^f[e[b++]]^d[e[b++]]^u[e[b++]]^l[e[b++]]^c[e[b++]]^s[e[b++]]^o[e[b++]]^a[e[b++]]^n[e[b++]];for(i+=15;b<i;)r=r>>>8^n[(r^e[b++])&255];return~r}function S(e,t){for(var r=t^-1,i=0,a=e.length,o=0,s=0;i<a;)o=e.charCodeAt(i++),o<128?r=r>>>8^n[(r^o)&255]:o<2048?(r=r>>>8^n[(r^(192|o>>6&31))&255],r=r>>>8^n[(r^(128|o&63))&255]):o>=55296&&o<57344?(o=(o&1023)+64,s=e.charCodeAt(i++)&1023,r=r>>>8^n[(r^(240|o>>8&7))&255],r=r>>>8^n[(r^(128|o>>2&63))&255],r=r>>>8^n[(r^(128|s>>6&15|(o&3)<<4))&255],r=r>>>8^n[(r^(128|s&63))&255]):(r=r>>>8^n[(r^(224|o>>12&15))&255],r=r>>>8^n[(r^(128|o>>6&63))&255],r=r>>>8^n[(r^(128|o&63))&255]);return~r}e.table=n,e.bstr=b,e.buf=x,e.str=S})})))()
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
/**
* Derived from https://github.com/greggman/unzipit/blob/4d94c9b77f7815062ff4460311e8b3ce4f7d5deb/src/unzipit.js
*
* Includes only parsing of raw entries.
*
* @license
*
* The MIT License (MIT)
*
* Copyright (c) 2014 Josh Wolfe
*
* Permission is hereby granted, free of charge, to any person obtaining a copy
* of this software and associated documentation files (the "Software"), to deal
* in the Software without restriction, including without limitation the rights
* to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
* copies of the Software, and to permit persons to whom the Software is
* furnished to do so, subject to the following conditions:
*
* The above copyright notice and this permission notice shall be included in
* all copies or substantial portions of the Software.
*
* THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
* IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
* FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
* AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
* LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
* OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
* SOFTWARE.
*
* MIT License
*
* Copyright (c) 2019 Gregg Tavares
*
* Permission is hereby granted, free of charge, to any person obtaining a copy
* of this software and associated documentation files (the "Software"), to deal
* in the Software without restriction, including without limitation the rights
* to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
* copies of the Software, and to permit persons to whom the Software is
* furnished to do so, subject to the following conditions:
*
* The above copyright notice and this permission notice shall be included in
* all copies or substantial portions of the Software.
*
* THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
* IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
* FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
* AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
* LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
* OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
* SOFTWARE.
*/
;function Fb(e){let t=0,n;return async function(r,i,a){if(n!==void 0&&r>t&&r+i<=t+n.length)return n.subarray(r-t,r+i-t);let o=await e(r,i,a);return t=r,n=o,o}}function Ib(e){let t=new DataView(e.buffer,e.byteOffset,e.byteLength),n=e.length;for(let e=n-22;e>=0;--e){if(t.getUint32(e,!0)!==101010256||t.getUint16(e+20,!0)!==n-e-22)continue;let r=t.getUint16(e+4,!0),i=t.getUint16(e+10,!0),a=t.getUint32(e+12,!0),o=t.getUint32(e+16,!0);return{eocdrOffset:e,diskNumber:r,entryCount:i,centralDirectorySize:a,centralDirectoryOffset:o}}}async function Lb(e,t,n){let r=Math.min(65557,t),i=await e(t-r,r,n),a=Ib(i);if(a===void 0)throw Error(`End of central directory record signature not found; either not a zip file or file is truncated.`);let{eocdrOffset:o,diskNumber:s,entryCount:c,centralDirectorySize:l,centralDirectoryOffset:u}=a;if(s!==0)throw Error(`Multi-volume zip files are not supported. This is volume: ${s}`);let d=i.slice(o+22,i.length);return c===65535||u===4294967295?await Rb(e,o,d,n):await zb(e,u,l,c,d,n)}async function Rb(e,t,n,r){let i=await e(t-20,20,r),a=new DataView(i.buffer,i.byteOffset,i.byteLength);if(a.getUint32(0,!0)!==117853008)throw Error(`invalid zip64 end of central directory locator signature`);let o=a.getBigUint64(8,!0),s=await e(Number(o),56,r),c=new DataView(s.buffer,s.byteOffset,s.byteLength);if(c.getUint32(0,!0)!==101075792)throw Error(`invalid zip64 end of central directory record signature`);let l=c.getBigUint64(32,!0),u=c.getBigUint64(40,!0),d=c.getBigUint64(48,!0);return zb(e,Number(d),Number(u),Number(l),n,r)}async function zb(e,t,n,r,i,a){let o=0,s=await e(t,n,a),c=[],l=new DataView(s.buffer,s.byteOffset,s.byteLength),u=new TextDecoder;for(let e=0;e<r;++e){let e=l.getUint32(o+0,!0);if(e!==33639248)throw Error(`invalid central directory file header signature: 0x${e.toString(16)}`);let t=l.getUint16(o+4,!0),n=l.getUint16(o+6,!0),r=l.getUint16(o+8,!0),i=l.getUint16(o+10,!0),a=l.getUint16(o+12,!0),d=l.getUint16(o+14,!0),f=l.getUint32(o+16,!0),p=l.getUint32(o+20,!0),m=l.getUint32(o+24,!0),h=l.getUint16(o+28,!0),g=l.getUint16(o+30,!0),_=l.getUint16(o+32,!0),v=l.getUint16(o+36,!0),y=l.getUint32(o+38,!0),b=l.getUint32(o+42,!0);if(r&64)throw Error(`strong encryption is not supported`);o+=46;let x=s.subarray(o,o+=h);r&2048;let S=[];for(let e=0;e<g-3;){let t=l.getUint16(o+e+0,!0),n=l.getUint16(o+e+2,!0),r=e+4,i=r+n;if(i>g)throw Error(`extra field length exceeds extra field buffer size`);S.push({id:t,offset:o+r,length:n}),e=i}o+=g;let C=s.slice(o,o+=_);if(m===4294967295||p===4294967295||b===4294967295){let e=S.find(e=>e.id===1);if(e===void 0)throw Error(`expected zip64 extended information extra field`);let{offset:t,length:n}=e,r=0;if(m===4294967295){if(r+8>n)throw Error(`zip64 extended information extra field does not include uncompressed size`);m=Number(l.getBigUint64(t+r,!0)),r+=8}if(p===4294967295){if(r+8>n)throw Error(`zip64 extended information extra field does not include compressed size`);p=Number(l.getBigUint64(t+r,!0)),r+=8}if(b===4294967295){if(r+8>n)throw Error(`zip64 extended information extra field does not include relative header offset`);b=Number(l.getBigUint64(t+r,!0)),r+=8}}let w=S.find(e=>e.id===28789&&e.length>=6&&s[e.offset]===1&&l.getInt32(e.offset+1,!0)===(0,Pb.buf)(x));if(w&&(x=s.slice(w.offset+5,w.offset+w.length)),i===0){let e=m;if(r&1&&(e+=12),p!==e)throw Error(`compressed/uncompressed size mismatch for stored file: ${p} != ${e}`)}let T=u.decode(x);T=T.replaceAll(`\\`,`/`);let E={versionMadeBy:t,versionNeededToExtract:n,generalPurposeBitFlag:r,compressionMethod:i,lastModFileTime:a,lastModFileDate:d,crc32:f,compressedSize:p,uncompressedSize:m,nameBytes:x,commentBytes:C,internalFileAttributes:v,externalFileAttributes:y,relativeOffsetOfLocalHeader:b,fileName:T};c.push(E)}return{commentBytes:i,entries:c,sizeEstimate:i.length+s.length*2}}async function Bb(e,t,n){if(t.generalPurposeBitFlag&1)throw Error(`encrypted entries not supported`);let r=await e(t.relativeOffsetOfLocalHeader,30,n),i=new DataView(r.buffer,r.byteOffset,r.byteLength),a=i.getUint32(0,!0);if(a!==67324752)throw Error(`invalid local file header signature: 0x${a.toString(16)}`);let o=i.getUint16(26,!0),s=i.getUint16(28,!0);return t.relativeOffsetOfLocalHeader+r.length+o+s}async function Vb(e,t,n){return await Lb(Fb(e),t,n)}var Hb=/* @__PURE__ */ (e=>(e[e.STORE=0]=`STORE`,e[e.DEFLATE=8]=`DEFLATE`,e))(Hb||{}),Ub=(e,t)=>(t=Symbol[e])?t:Symbol.for(`Symbol.`+e),Wb=e=>{throw TypeError(e)},Gb=(e,t,n)=>{if(t!=null){typeof t!=`object`&&typeof t!=`function`&&Wb(`Object expected`);var r,i;n&&(r=t[Ub(`asyncDispose`)]),r===void 0&&(r=t[Ub(`dispose`)],n&&(i=r)),typeof r!=`function`&&Wb(`Object not disposable`),i&&(r=function(){try{i.call(this)}catch(e){return Promise.reject(e)}}),e.push([n,r,t])}else n&&e.push([n]);return t},Kb=(e,t,n)=>{var r=typeof SuppressedError==`function`?SuppressedError:function(e,t,n,r){return r=Error(n),r.name=`SuppressedError`,r.error=e,r.suppressed=t,r},i=e=>t=n?new r(e,t,`An error was suppressed during disposal`):(n=!0,e),a=r=>{for(;r=e.pop();)try{var o=r[1]&&r[1].call(r[2]);if(r[0])return Promise.resolve(o).then(a,e=>(i(e),a()))}catch(e){i(e)}if(n)throw t};return a()};
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function qb(e){return async(t,n,r)=>{let i=await ri(e,{throwIfMissing:!0,byteRange:{offset:t,length:n},strictByteRange:!0,signal:r.signal,progressListener:r.progressListener});return new Uint8Array(await i.response.arrayBuffer())}}function Jb(e,t){let n=t.getUrl();return Hd(e,`zipMetadata:${n}`,{get:async(e,r)=>{var i=[];try{Gb(i,new mt(r.progressListener,{message:`Reading ZIP central directory from ${n}`}));let e=await t.stat(r);if(e?.totalSize===void 0)throw Error(`Failed to determine ZIP file size: ${n}`);let a=await Vb(qb(t),e.totalSize,r);return An(a.entries,e=>!e.fileName.endsWith(`/`)),a.entries.sort((e,t)=>ei(e.fileName,t.fileName)),{data:a,size:a.sizeEstimate}}catch(e){var a=e,o=!0}finally{Kb(i,a,o)}}})}async function Yb(e,t,n){let r=Jb(e,t);try{return await r.get(void 0,n)}finally{r.dispose()}}function Xb(e,t){let{entries:n}=e,r=Mn(n,t,(e,t)=>ei(e,t.fileName));if(!(r<0))return n[r]}function Zb(e,t){let{entries:n}=e,r=Nn(0,n.length,e=>n[e].fileName>=t),i=Nn(Math.min(n.length,r+1),n.length,e=>!n[e].fileName.startsWith(t)),a=[],o=[];for(let e=r;e<i;){let r=n[e],s=r.fileName.indexOf(`/`,t.length);if(s===-1)a.push({key:r.fileName}),++e;else{o.push(r.fileName.substring(0,s));let t=r.fileName.substring(0,s+1);e=Nn(e+1,i,e=>!n[e].fileName.startsWith(t))}}return{entries:a,directories:o}}var Qb=class{constructor(e,t){this.chunkManager=e,this.base=t}metadata;async getMetadata(e){let{metadata:t}=this;return t===void 0&&(t=this.metadata=await Yb(this.chunkManager,this.base,e)),t}getUrl(e){return this.base.getUrl()+`|zip:${xi(e)}`}async stat(e,t){let n=Xb(await this.getMetadata(t),e);if(n!==void 0)return{totalSize:n.uncompressedSize}}async read(e,t){let n=Xb(await this.getMetadata(t),e);if(n===void 0)return;let{fileDataStart:r}=n;r===void 0&&(r=n.fileDataStart=await Bb(qb(this.base),n,t));let i=new ud(this.base,{offset:r,length:n.compressedSize});switch(n.compressionMethod){case Hb.STORE:break;case Hb.DEFLATE:i=new Wd(i,`deflate-raw`);break;default:throw Error(`Unsupported compression method: ${n.compressionMethod}`)}return i.read(t)}async list(e,t){return Zb(await this.getMetadata(t),e)}get supportsOffsetReads(){return!0}get supportsSuffixReads(){return!0}};
/**
* @license
* Copyright 2025 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
function $b(e){return{scheme:`zip`,description:`ZIP archive`,getKvStore(t,n){return gi(t),{store:new Qb(e.chunkManager,new oi(n.store,n.path)),path:decodeURIComponent(t.suffix??``)}}}}Ii.registerKvStoreAdapterProvider($b);
/**
* @license
* Copyright 2016 Google Inc.
* Licensed under the Apache License, Version 2.0 (the "License");
* you may not use this file except in compliance with the License.
* You may obtain a copy of the License at
*
*      http://www.apache.org/licenses/LICENSE-2.0
*
* Unless required by applicable law or agreed to in writing, software
* distributed under the License is distributed on an "AS IS" BASIS,
* WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
* See the License for the specific language governing permissions and
* limitations under the License.
*/
const ex=new At(self,!1);ex.sendReady(),globalThis.rpc=ex;