"""Malay short forms of chats and comments, as data: what is written on the left is read as the word on the right.

Forms with several readings (`pas`, `pn`, `pm`, `kot`, `mai`, `hang`, `bg`) are left as written; vocabularies
list them with the company they need. Seen in Malaysian posts up to 2026-11.
"""

TABLE = """
aku: ak aq
saya: sy sya saye
kau: ko kaw
awak: awk awok
dia: dy diaa
mereka: dorg dorang diorg diorang deorang depa
korang: korg kamurang krg
orang: org orng oghang
siapa: sape sapa spe siape sapo
tidak: x tk tak tdk tidok tdak
tiada: xde takde xda tada takda xdak takdak
tidak mahu: xnak tanak taknak tknak xmo xmau
tidak boleh: xleh xbleh tkleh xbley takleh
tidak apa: xpe tkpe takpe xpa takpa
tidak tahu: xtau xtaw tktau xtahu
tidak faham: xphm xfhm xpaham xfaham
tidak suka: xsuka tksuka
tidak akan: xkan takkan
tidak payah: xyah xpyh xpayah tkyah
tidak ada: xada
tidak guna: xguna tkguna
tidak malu: xmalu tkmalu
tidak sedar: xsedar xsedo
tidak reti: xreti
yang: yg yng
dengan: dgn dgan dngn ngn dngan
untuk: utk untk
dalam: dlm dlam
daripada: drpd drpada
dari: dr dri
kepada: kpd kpada
kerana: krn krna
sebab: sbb sbab
pasal: psl
tentang: ttg
seperti: spt sprti
macam: mcm mcam
tetapi: tp tpi
kalau: klu kalo klau kalu
sebagai: sbg sbgai
supaya: spy spya
tersebut: tsbt tsb
ini: nie
itu: tuh
mana: mn mna mane
apa: ape aper
bila: bile
berapa: brp brape
kenapa: knp nape knapa kenape
macam mana: cmne camne mcmne mcmmana guane camana macamana
hendak: nk
boleh: blh bole ble
kena: kne kna
buat: wat
cakap: ckp cakp
tengok: tgk tngok tgok
dengar: dgr
faham: fhm phm
ingat: igt
tanya: tnya tny
jawab: jwb
pergi: pegi pgi
balik: blk
datang: dtg
makan: mkn
minum: mnm
jalan: jln
kerja: krj kje keje kerje
habis: hbs abes abis
tunggu: tggu tgu
tolong: tlg tolg
minta: mntk mtk mntak mintak
ambil: amk ambek amik
keluar: kuar klua
masuk: msk
pakai: pkai
bayar: byr
baca: bce
tulis: tls
hantar: hntr anta hntar
sudah: dh dah sdh
belum: blm lom blum
sekarang: skrg skang skrng skarang
semalam: smlm smlam
esok: esk
nanti: nnt nnti nti
sebelum: sblm sblum
selepas: slps
pukul: pkl
hari: hr
malam: mlm
tengah hari: tghari tghhari
petang: ptg
tahun: thn
bulan: bln
minggu: mgu mggu
sekejap: jap jp kejap
lambat: lmbt
cepat: cpt
budak: bdk
anak: ank
kawan: kwn
rumah: rmh
sekolah: skolah skul
kereta: kete keta krete
harga: hrga
gambar: gmbr gambo
banyak: bnyk byk bnyak
sedikit: ckit sikit skit sket
sangat: sgt sngt
gila: giler gile gilerr gilo
betul: btl btul
salah: slh
bagus: bgs
baik: baek
teruk: trk truk
jahat: jhat
cantik: cntik
sedap: sdp
mahal: mhl
murah: mrh
senang: sng
susah: ssh
sahaja: je jer jew
lagi: lg
juga: gak jgk jugak jgak
memang: mmg mng mmang
pula: plk plak pulak
bukan: bkn bukn
jangan: jgn jgan jangn
mungkin: mgkin
semua: sume sma smua semue
ada: ade
jadi: jd jdi
maaf: maap
terima kasih: tq tqvm tenkiu tengkiu trimas
bodoh: bdh bdoh bodh bodo bodow bodohh budow bodoo bodoe
bangang: bngang bgang bngg bngng bangng
bunuh: bnuh bnoh bunoh bnuhh
sial: siol siyal
pukimak: pkmk pukimok
celaka: clake clka celka celake cilaka
mampus: mmpus mpus mmps mampos mampuih mampuss
bangsat: bgst bngst bangsatt
anjing: anjg anjng njing anjeng
belasah: blsah blasah
tampar: tmpar tmpr
lempang: lmpang lempng
bengap: bngap bengp
bahlol: bahlul bahalol
stupid: stupit stoopid stewpid stopid stupidd stoopit
idiot: idot idyut
fuck: fck fuk
your: ur yr
you: u
kerajaan: krajaan kjaan
pengarah: pengrh
menteri: mnteri
"""

SHORT_FORMS: dict[str, str] = {
    form: meaning.strip()
    for line in TABLE.strip().splitlines()
    for meaning, _, forms in (line.partition(":"),)
    for form in forms.split()
    if form != meaning.strip()
}
