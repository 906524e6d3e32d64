// The page of archc, of web/, sha256:d16611ceb78cf684
(()=>{importScripts("viz-global.js");var t=Viz.instance();onmessage=async({data:{id:s,dot:a}})=>{try{postMessage({id:s,svg:(await t).renderString(a,{format:"svg"})})}catch(e){postMessage({id:s,failed:e.message})}};})();
