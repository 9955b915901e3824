-- What a page tells by itself in Word: the page on which something stands (a link that says PAGE), and where a new page begins.
local function field(code)
  local part = function(inside) return '<w:r>' .. inside .. '</w:r>' end
  return part('<w:fldChar w:fldCharType="begin" w:dirty="true"/>')
    .. part('<w:instrText xml:space="preserve"> ' .. code .. ' </w:instrText>')
    .. part('<w:fldChar w:fldCharType="separate"/>') .. part('<w:t>…</w:t>') .. part('<w:fldChar w:fldCharType="end"/>')
end

function Link(link)
  if link.target:sub(1, 1) == '#' and pandoc.utils.stringify(link) == 'PAGE' then
    return pandoc.RawInline('openxml', field('PAGEREF ' .. link.target:sub(2) .. ' \\h'))
  end
end

function Div(div)
  if div.classes:includes('page-break') then
    return pandoc.RawBlock('openxml', '<w:p><w:r><w:br w:type="page"/></w:r></w:p>')
  end
end
